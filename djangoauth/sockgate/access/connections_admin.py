"""*Live connections* in Django's admin: who is online, how the workers are, and why.

Strategy: the pages are live ones. Rendering one asks the workers, and tells them the channel of the
page; they touch it while connections come and go. So what is shown is what the workers say now, to
a viewer whose permissions are checked with each request.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from time import time
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from sockgate_gateway.wire.errors import ChannelNameError

from .. import conf
from ..channels.inspection.agents import browser_of
from ..channels.inspection.online import (
    Online,
    Present,
    Tab,
    Worker,
    read_now,
    read_online,
    tabs_of,
)
from ..channels.inspection.sentences import tell
from ..channels.inspection.why import find_out
from ..models import Connection
from ..publishing.calls import publish
from ..redis_clients import redis_errors
from ..tenants import bare
from ..users.recipients import uid_of
from .revocation import disconnect_user, revoke_channel, revoke_user

if TYPE_CHECKING:
    _ConnectionAdmin = admin.ModelAdmin[Connection]
else:
    _ConnectionAdmin = admin.ModelAdmin

CHANNEL = "sockgate:connections"
"""The channel of the pages, which carries touches alone."""

TEST_EVENT = "sockgate-test"
MAX_TEST_LENGTH = 200
PER_PAGE = 25

SPANS = {"10m": 600, "1h": 3600, "1d": 86400}
"""The choices of how far back the page tells what happened."""


class ConnectionAdmin(_ConnectionAdmin):
    """Pages for staff with ``sockgate.view_connections``, and ``sockgate.disconnect_connections``.

    There are no rows: the model has no table.
    """

    def has_view_permission(self, request: HttpRequest, obj: Connection | None = None) -> bool:
        """Return whether the pages are shown."""
        return request.user.has_perm("sockgate.view_connections")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a connection."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Connection | None = None) -> bool:
        """Nobody changes a connection."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Connection | None = None) -> bool:
        """Connections are closed by actions."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Return the overview and the page of a user."""
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="sockgate_connection_changelist"),
            path("user/<path:uid>/", view(self.user_view), name="sockgate_connection_user"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show who is online, and how the workers are."""
        self._require_view(request)
        search = request.GET.get("q", "").strip()[:100]
        number = _page_number(request.GET.get("p", ""))
        context = {**self._context(request, "Live connections"), "search": search}
        try:
            online = read_online("broadcast", search, PER_PAGE, number * PER_PAGE)
            now = read_now([user.uid for user in online.shown], watch=CHANNEL)
        except redis_errors.RedisError:
            return TemplateResponse(request, "admin/sockgate/connections.html", context)
        context |= {
            "online": online,
            "users": [(user, _rows_of(now.tabs.get(user.uid, []))) for user in online.shown],
            "before": number - 1 if online.is_exact and number else None,
            "after": number + 1 if self._has_more(online, search, number) else None,
            **_workers(now),
        }
        return TemplateResponse(request, "admin/sockgate/connections.html", context)

    def user_view(self, request: HttpRequest, uid: str) -> HttpResponse:
        """Show the connections of a user and what happened to them; act on a POST."""
        self._require_view(request)
        user = _user_of(uid)
        if request.method == "POST":
            return self._act(request, user)
        channel = request.GET.get("channel", "").strip()
        span = request.GET.get("since", "")
        span = span if span in SPANS else "10m"
        context = {
            **self._context(request, f"Live connections of {user.get_username()}"),
            "user_of_page": user,
            "channel": channel,
            "span": span,
            "spans": SPANS,
            "may_act": self._may_act(request),
            "max_test_length": MAX_TEST_LENGTH,
        }
        try:
            found = find_out(uid_of(user), channel, time() - SPANS[span], watch=CHANNEL)
            story = tell(found)
            context["tabs"] = _rows_of(tabs_of(found.asked))
            lines = [(datetime.fromtimestamp(one.at, UTC), one.text) for one in story.lines]
            context |= {"lines": lines, "now": story.now}
        except redis_errors.RedisError:
            context["is_away"] = True
        except ChannelNameError as error:
            context["problem"] = str(error)
        return TemplateResponse(request, "admin/sockgate/user_connections.html", context)

    def _act(self, request: HttpRequest, user: Any) -> HttpResponse:
        if not self._may_act(request):
            raise PermissionDenied
        action = _ACTIONS.get(request.POST.get("action", ""))
        if action is None:
            raise PermissionDenied("no such action")
        try:
            note = action(request, user)
        except redis_errors.RedisError:
            failure = "Redis does not answer. It may or may not have been done; try again."
            self.message_user(request, failure, messages.ERROR)
        except ChannelNameError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, user, note)
            self.message_user(request, note, messages.SUCCESS)
        return redirect(self._user_url(user))

    def _user_url(self, user: Any) -> str:
        return reverse(f"{self.admin_site.name}:sockgate_connection_user", args=[user.pk])

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _may_act(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sockgate.disconnect_connections")

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "live_channel": CHANNEL,
        }

    def _has_more(self, online: Online, search: str, number: int) -> bool:
        return (
            online.is_exact
            and len(online.shown) == PER_PAGE
            and (bool(search) or online.users > (number + 1) * PER_PAGE)
        )


def _close(request: HttpRequest, user: Any) -> str:
    connection = request.POST.get("connection", "")[:64]
    disconnect_user(user, connection)
    return f"Closed connection {connection}." if connection else "Closed all connections."


def _sign_out(request: HttpRequest, user: Any) -> str:
    revoke_user(user)
    return "Signed out everywhere."


def _revoke(request: HttpRequest, user: Any) -> str:
    channel = request.POST.get("channel", "").strip()
    revoke_channel(user, channel)
    return f"Took the channel {channel} away."


def _send_test(request: HttpRequest, user: Any) -> str:
    text = request.POST.get("text", "")[:MAX_TEST_LENGTH]
    workers = publish(user, TEST_EVENT, {"text": text}, on_commit=False)
    return f"Sent a test message; workers that received it: {workers}."


_ACTIONS: dict[str, Callable[[HttpRequest, Any], str]] = {
    "close": _close,
    "sign_out": _sign_out,
    "revoke": _revoke,
    "test": _send_test,
}


def _user_of(pk: str) -> Any:
    model: Any = get_user_model()
    try:
        return model._default_manager.get(pk=model._meta.pk.to_python(pk))
    except (model.DoesNotExist, ValidationError, ValueError):
        raise Http404("There is no such user.") from None


def _page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _workers(now: Present) -> dict[str, Any]:
    """Return the rows of the workers; none with tenants: the numbers are those of all of them."""
    if conf.current().tenant is not None:
        return {}
    hosts = {worker.name.host for worker in now.workers}
    return {"hosts": len(hosts), "workers": [_row_of(worker) for worker in now.workers]}


def _row_of(worker: Worker) -> dict[str, Any]:
    state = worker.state
    if state is None:
        return {"name": str(worker.name)}
    minutes = [connections for connections, _ in state.last_hour]
    return {
        "name": str(worker.name),
        "state": state,
        "problems": [*state.reasons, *state.notes],
        "lag_ms": state.lag_s * 1000,
        "memory_mb": state.resident_bytes / 1e6,
        "redis_ms": None if state.redis_s is None else state.redis_s * 1000,
        "started_at": datetime.fromtimestamp(worker.started_at, UTC),
        "line": _sparkline([*minutes, state.connections]),
        "most": max([*minutes, state.connections]),
    }


def _sparkline(values: list[int]) -> str:
    """Return the points of a line in a box of 60 by 16, which ends at the right."""
    most = max(*values, 1)
    if len(values) == 1:
        values = values * 2
    first = 60 - len(values) + 1
    points = enumerate(values, first)
    return " ".join(f"{x},{15 - 14 * value / most:.1f}" for x, value in points)


def _rows_of(tabs: list[Tab]) -> list[dict[str, Any]]:
    return [_tab_row(tab) for tab in sorted(tabs, key=lambda tab: tab.open.opened_at)]


def _tab_row(tab: Tab) -> dict[str, Any]:
    one = tab.open
    return {
        "open": one,
        "worker": str(tab.worker),
        "browser": browser_of(one.agent),
        "opened_at": datetime.fromtimestamp(one.opened_at, UTC),
        "channels": [bare(channel.name) for channel in one.channels],
        "more": one.channel_count - len(one.channels),
    }
