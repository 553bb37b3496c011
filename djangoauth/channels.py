"""Channels that browsers ask for: who may subscribe, and the grant that says so."""

from dataclasses import dataclass
from inspect import isawaitable
from time import time
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from django.utils.module_loading import import_string

from gateway.wire.names import check_channel, is_automatic, sid_of
from gateway.wire.tokens import Grant, GrantSigner

from . import conf, users
from .errors import LoginRequired, SubscriptionRefused
from .sessions.base import RecordedSession
from .sessions.records import record_of
from .tokens import session_of, signing_keys


@dataclass(frozen=True, slots=True)
class IssuedGrant:
    """A grant, and the seconds for which the gateway takes it; public channels need none."""

    text: str | None
    expires_in_s: int


def issue_grant(request: HttpRequest, channel: str) -> IssuedGrant:
    """Issue a grant for a channel to the session of a request.

    Raises:
        gateway.wire.errors.ChannelNameError: it is no channel name.
        LoginRequired, SessionSettling: as for ``tokens.issue_token``.
        SubscriptionRefused: ``SOCKGATE["AUTHORIZE"]`` says no, or the server alone gives it.
        ImproperlyConfigured: there is no signing key, or the session engine is not ours.
        redis.RedisError: Redis cannot be asked.
    """
    config = conf.current()
    if is_automatic(check_channel(channel)):
        raise SubscriptionRefused(channel)
    if config.namespaces.of(channel).public:
        return IssuedGrant(None, config.token_max_age)
    session = session_of(request)
    if session is None:
        raise LoginRequired
    # Before it is decided: who takes a right away meanwhile must find the grant older than that.
    asked_at, rights = time(), _rights_of(session)
    if not may_subscribe(request, channel):
        raise SubscriptionRefused(channel)
    grant = Grant(sid_of(str(session.session_key)), channel, rights)
    signer = GrantSigner(signing_keys(), lambda: asked_at)
    return IssuedGrant(signer.issue(grant), config.token_max_age)


def may_subscribe(request: HttpRequest, channel: str) -> bool:
    """Ask ``SOCKGATE["AUTHORIZE"]``; without it, nobody may."""
    authorize = conf.current().authorize
    if authorize is None:
        return False
    if isinstance(authorize, str):
        authorize = import_string(authorize)
    return bool(_awaited(authorize(request, channel)))


def _awaited(answer: Any) -> Any:
    # A coroutine is true: an async authorizer that nobody awaits would let everybody in.
    if not isawaitable(answer):
        return answer

    async def wait() -> Any:
        return await answer

    return async_to_sync(wait)()


def _rights_of(session: RecordedSession) -> str:
    uid = record_of(session).user
    return users.rights_of(uid) if uid else ""
