"""What the live fragments of one page share: their ids, their grants, and one script."""

import logging
from typing import Any

from django.http import HttpRequest
from django.template import Context, TemplateSyntaxError
from django.templatetags.static import static
from django.utils.safestring import SafeString
from sockgate_gateway.wire.names import check_channel, is_automatic

from .. import conf
from ..errors import SessionChangePending
from ..redis_clients import redis_errors
from ..redis_clients.breaker import PAGES, BreakerOpen
from ..redis_clients.time_budget import time_budget
from .flash import keep_messages
from .script_tags import nonce_of, script_tag, shared_by_tags

SCRIPT = "sockgate/sockgate-live.js"

_KEY = "sockgate.live.page"

log = logging.getLogger("sockgate")


class LivePage:
    """One page while it is rendered; made by ``page_of``."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._ids: set[str] = set()
        self._grants: dict[str, dict[str, Any]] = {}
        self._marks: dict[str, int | None] = {}
        self._issuer: Any = None
        self._is_failed = False
        self._has_script = False
        self._uid: str | None = None

    def script(self, context: Context) -> SafeString:
        """Return the tag of the script, once; then an empty text."""
        if self._has_script:
            return SafeString("")
        self._has_script = True
        nonce = nonce_of(context, self._request)
        return script_tag(static(SCRIPT), nonce, is_deferred=True)

    def claim(self, element_id: str) -> None:
        """Record that a fragment has this id.

        Raises:
            TemplateSyntaxError: another fragment of the page has it.
        """
        if element_id in self._ids:
            raise TemplateSyntaxError(
                f"Two {{% live %}} of this page have the id {element_id!r}. The id is made of the "
                "channels: give each its own, such as {% live channel id=... %}, with a value that "
                "stays the same when the page is rendered again."
            )
        self._ids.add(element_id)

    def orders(self, element_id: str, channels: list[str]) -> dict[str, Any]:
        """Return what the browser's script needs of a fragment.

        Raises:
            ChannelNameError: a text is not a channel name.
        """
        orders = {
            "id": element_id,
            "channels": self.subscriptions(channels),
            "rate": conf.current().live_rate,
        }
        # A page that answers a POST shows what somebody has typed, and has no address of its own.
        if self._request.method in ("GET", "HEAD"):
            orders["url"] = self._request.get_full_path()
        if self._user():
            orders["user"] = self._user()
        return orders

    def _user(self) -> str:
        """Return the user for whom the page is rendered; empty without one, or without Redis."""
        from ..access.session_guard import page_uid

        if self._uid is None:
            try:
                with time_budget(conf.current().page_timeout), PAGES.guard():
                    self._uid = page_uid(self._request) or ""
            except (SessionChangePending, BreakerOpen, redis_errors.RedisError):
                self._uid = ""
        return self._uid

    def subscriptions(self, channels: list[str]) -> dict[str, dict[str, Any]]:
        """Return what the page needs for each channel: ``{"grant", "expires_in", "touched"}``.

        There is no grant without a session, and while Redis does not answer. The page then takes
        it from its next request. Automatic channels need none. ``touched`` is the touch mark at
        which the page is rendered; absent where it is not known, and the page is fetched once.

        Raises:
            ChannelNameError: a text is not a channel name.
        """
        with time_budget(conf.current().page_timeout):
            grants = {channel: self._grant(check_channel(channel)) for channel in channels}
            self._read_marks([one for one in channels if grants[one] or is_automatic(one)])
        marks = {channel: self._marks.get(channel) for channel in channels}
        return {
            channel: grants[channel] | ({} if mark is None else {"touched": mark})
            for channel, mark in marks.items()
        }

    def _read_marks(self, channels: list[str]) -> None:
        channels = [channel for channel in channels if channel not in self._marks]
        if self._is_failed or not channels:
            return
        from .marks import read_marks  # A page without fragments does not need it.

        try:
            with PAGES.guard():
                marks = read_marks(self._request, channels)
        except (BreakerOpen, redis_errors.RedisError) as error:
            marks = {}
            log.info(
                "A live page is sent without its touch marks, and is fetched once more: %s", error
            )
        self._marks |= {channel: marks.get(channel) for channel in channels}

    def _grant(self, channel: str) -> dict[str, Any]:
        if channel not in self._grants and not self._is_failed:
            try:
                with PAGES.guard():
                    self._grants[channel] = self._issue(channel)
            except (SessionChangePending, BreakerOpen):
                self._is_failed = True
            except redis_errors.RedisError as error:
                self._is_failed = True
                log.warning("A live page is sent without its grants: %s", error)
        return self._grants.get(channel, {})

    def _issue(self, channel: str) -> dict[str, Any]:
        from ..access.grants import LiveGrants  # A page without fragments does not need it.

        self._issuer = self._issuer or LiveGrants(self._request)
        issued = self._issuer.issue(channel)
        return {} if issued is None else {"grant": issued.text, "expires_in": issued.expires_in_s}


def page_of(context: Context, request: HttpRequest) -> LivePage:
    """Return the page that is being rendered, which its included templates share."""
    shared = shared_by_tags(context)
    if _KEY not in shared:
        shared[_KEY] = LivePage(request)
        keep_messages(request)
    page: LivePage = shared[_KEY]
    return page
