"""Issuing grants: the signed permission of a session to subscribe to one channel."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from inspect import isawaitable
from time import time
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from django.utils.module_loading import import_string
from sockgate_gateway.wire.names import check_channel, is_automatic
from sockgate_gateway.wire.tokens import Grant, GrantSigner

from .. import conf
from ..channels.inspection import denials
from ..errors import AuthorizeMissing, LoginRequired, SubscriptionRefused
from ..sessions.base import RecordedSession
from ..sessions.records import record_of
from ..tenants import qualify, sid_of
from ..users import live_grants, records
from .tokens import session_of, signing_keys


@dataclass(frozen=True, slots=True)
class IssuedGrant:
    """A grant, None for a public channel, and the seconds for which it is valid."""

    text: str | None
    expires_in_s: int


def issue_grant(request: HttpRequest, channel: str) -> IssuedGrant:
    """Issue a grant for a channel to the session of a request.

    Raises:
        ChannelNameError: the text is not a channel name.
        LoginRequired: the visitor has no session, and may not have one without a login.
        SessionChangePending: as for ``tokens.session_of``.
        SubscriptionRefused: ``SOCKGATE["AUTHORIZE"]`` refuses, or only the server subscribes.
        AuthorizeMissing: ``SOCKGATE["AUTHORIZE"]`` is not set.
        ImproperlyConfigured: no signing key is set, or the session engine is not Sockgate's.
        redis.RedisError: Redis fails or does not answer.
    """
    issuer = _Issuer(request, may_start=True)
    try:
        return issuer.issue(channel)
    except SubscriptionRefused:
        issuer.note_denial(channel)
        raise


def issue_grants(request: HttpRequest, channels: Iterable[str]) -> dict[str, IssuedGrant]:
    """Issue grants for a page, by channel. A channel that is refused is left out.

    Session and rights are read once. No session is started.

    Raises:
        ChannelNameError, SessionChangePending, AuthorizeMissing, ImproperlyConfigured,
        redis.RedisError: as for ``issue_grant``.
    """
    issuer = _Issuer(request, may_start=False)
    issued: dict[str, IssuedGrant] = {}
    for channel in channels:
        with suppress(SubscriptionRefused, LoginRequired):
            issued[channel] = issuer.issue(channel)
    return issued


def may_subscribe(request: HttpRequest, channel: str) -> bool:
    """Call ``SOCKGATE["AUTHORIZE"]``.

    Raises:
        AuthorizeMissing: it is not set.
    """
    authorize = conf.current().authorize
    if authorize is None:
        raise AuthorizeMissing(channel)
    if isinstance(authorize, str):
        authorize = import_string(authorize)
    return bool(_awaited(authorize(request, channel)))


class _Issuer:
    """Issue grants to the session of one request.

    Args:
        request: a Django request with a session and a user.
        may_start: as for ``tokens.session_of``.
    """

    def __init__(self, request: HttpRequest, *, may_start: bool) -> None:
        self._request = request
        self._may_start = may_start

    def issue(self, channel: str, *, is_decided: bool = False) -> IssuedGrant:
        """Issue the grant of one channel; the errors are those of ``issue_grant``.

        Args:
            channel: its name.
            is_decided: the user may subscribe; ``AUTHORIZE`` is not called.
        """
        config = conf.current()
        if is_automatic(check_channel(channel)):
            raise SubscriptionRefused(channel)
        if config.namespaces.of(channel).public:
            return IssuedGrant(None, config.token_max_age)
        if is_decided and self._session is not None:
            live_grants.note()
        # Read before AUTHORIZE decides: a right that is revoked meanwhile makes this grant void.
        sid, issued_at, rights = self._owner
        if not is_decided and not may_subscribe(self._request, channel):
            raise SubscriptionRefused(channel)
        signer = GrantSigner(signing_keys(), lambda: issued_at)
        grant = Grant(sid, qualify(channel), rights)
        return IssuedGrant(signer.issue(grant), config.token_max_age)

    def note_denial(self, channel: str) -> None:
        """Remember for an hour, for ``sockgate_why``, that a user was refused."""
        uid = record_of(self._session).user if self._session is not None else ""
        if uid:
            denials.note(uid, qualify(channel))

    @cached_property
    def _session(self) -> RecordedSession | None:
        return session_of(self._request, may_start=self._may_start)

    @cached_property
    def _owner(self) -> tuple[str, float, str]:
        """The session, when its rights were read, and their name."""
        session = self._session
        if session is None:
            raise LoginRequired
        issued_at = time()
        return sid_of(str(session.session_key)), issued_at, _rights_of(session)


class LiveGrants:
    """Issue grants for the live fragments of a page, whose template's author has decided on them.

    ``AUTHORIZE`` is not called. Session and rights are read once, and no session is started.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._issuer = _Issuer(request, may_start=False)

    def issue(self, channel: str) -> IssuedGrant | None:
        """Issue the grant of a channel; None where it needs a login, or only the server subscribes.

        Raises:
            ChannelNameError, SessionChangePending, ImproperlyConfigured, redis.RedisError: as for
                ``issue_grant``.
        """
        try:
            return self._issuer.issue(channel, is_decided=True)
        except (SubscriptionRefused, LoginRequired):
            return None


def _awaited(answer: Any) -> Any:
    # A coroutine is true: without this await, an async AUTHORIZE would allow every request.
    if not isawaitable(answer):
        return answer

    async def wait() -> Any:
        return await answer

    return async_to_sync(wait)()


def _rights_of(session: RecordedSession) -> str:
    uid = record_of(session).user
    return records.rights_of(uid) if uid else ""
