"""The walk: settings, Redis, a session, a token, the gateway, then one connection per transport.

Strategy: each step needs those before it, so the first failure names the cause, and the others are
skipped. The transports are independent of each other. Each has a session of its own, because its
walk ends with a logout.
"""

from collections.abc import Callable
from contextlib import suppress
from secrets import token_hex, token_urlsafe
from typing import Any

from django.core.checks import CheckMessage, run_checks
from django.core.checks import messages as levels
from redis import RedisError
from sockgate_gateway.redis_servers.capabilities import CAPABILITIES, Half
from sockgate_gateway.wire.documentation import address_of

from ... import conf
from ...checks.development import APP_ORDER
from ...checks.redis_server import missing_capabilities
from ...publishing.calls import channel_name, publish
from ...redis_clients import pools
from ...redis_clients.time_budget import time_budget
from ...sessions.base import recorded_engine
from .gateway import compare_registered, read_info
from .policy import check_policy
from .report import Report, StepFailed
from .site import Site, Ticket
from .tabs import StreamingTab, Tab
from .visit import Visit
from .websocket_tab import WebSocketTab

EVENT = "sockgate-doctor"
TRANSPORTS: tuple[type[Tab], ...] = (StreamingTab, WebSocketTab)
_CHECKS = "sockgate"
_PROBE_S = 30
REDIS_TIMEOUT_S = 4.0
"""The time for Redis to answer: connecting has a quarter of it, see ``time_budget``."""
_NOT_REACHED = "not reached"

Work = Callable[[], str]


class Walk:
    """Walk through a running site once.

    Args:
        site: the running site.
        visit: the user and the sessions.
        report: receives the steps.
        timeout_s: for each answer.
    """

    def __init__(self, site: Site, visit: Visit, report: Report, timeout_s: float) -> None:
        self._site = site
        self._visit = visit
        self._report = report
        self._timeout_s = timeout_s
        self._ticket = Ticket("", "")
        self._info: dict[str, Any] = {}

    def run_redis(self) -> None:
        """Make the steps about Redis alone, which need no running site."""
        steps = {"Redis": self._try_redis, "commands of Redis": self._list_capabilities}
        self._make(steps)

    def run(self) -> None:
        """Make all steps, and remove what they made."""
        try:
            self._walk()
        finally:
            self._report.run("clean up", self._clean_up)

    def _walk(self) -> None:
        steps: dict[str, Work] = {
            "settings": self._check_settings,
            "Redis": self._try_redis,
            "session": self._start_session,
            "token from the site": self._request_token,
            "views of the site": self._site.try_views,
            "gateway": self._find_gateway,
            "policy of the page": self._check_policy,
            "same Redis and keys": compare_registered,
        }
        transports = [transport.name for transport in TRANSPORTS]
        if self._make(steps, optional="same Redis and keys"):
            for transport in TRANSPORTS:
                self._walk_transport(transport)
        else:
            self._report.skip(transports, _NOT_REACHED)

    def _make(self, steps: dict[str, Work], optional: str = "") -> bool:
        """Make steps until one fails; return whether none did."""
        names = list(steps)
        for place, name in enumerate(names):
            if self._report.run(name, steps[name]):
                continue
            if name != optional or not self._report.is_good:
                self._report.skip(names[place + 1 :], _NOT_REACHED)
                return False
        return True

    def _check_settings(self) -> str:
        found = run_checks(tags=[_CHECKS])
        serious = [one for one in found if one.level >= levels.WARNING]
        worst = max(serious, key=lambda one: one.level, default=None)
        if worst is not None and worst.level >= levels.ERROR:
            raise _check_failed(worst)
        conf.current()
        if (order := _named(serious, APP_ORDER)) and not _redis_answers():
            raise _check_failed(order)
        lines = [f"{one.id}: {one.msg}" for one in serious]
        return "\n".join([f"{len(lines)} warning(s) of manage.py check", *lines]) if lines else ""

    def _try_redis(self) -> str:
        """Write, read and delete a record."""
        key = conf.current().names.session(f"doctor-{token_hex(8)}")
        with time_budget(REDIS_TIMEOUT_S):
            client = pools.records()
            client.hset(key, mapping={"user": ""})
            client.expire(key, _PROBE_S)
            fields = client.hgetall(key)
            client.delete(key)
        if not fields:
            raise StepFailed(
                "Redis has lost a record that was just written.",
                "Name the master in the URL, and set maxmemory-policy noeviction.",
                "redis-does-not-answer",
            )
        return f"database {conf.current().names.database}"

    def _list_capabilities(self) -> str:
        """List what Redis can do, of all that Django and the gateway use."""
        with time_budget(REDIS_TIMEOUT_S):
            missing = {one.capability: one for one in missing_capabilities(Half.BOTH)}
        lines = [
            f"missing  {missing[row]}"
            if row in missing
            else f"has      {row.name}: {row.guarantee}"
            for row in CAPABILITIES
            if pools.kind() in row.kinds
        ]
        for row, one in missing.items():
            if row.is_needed:
                raise StepFailed(
                    str(one), "Let the Redis user run these commands.", "redis-refuses-a-command"
                )
        return "\n".join(["with Django's account", *lines])

    def _start_session(self) -> str:
        if recorded_engine() is None:
            raise StepFailed(
                "SESSION_ENGINE is not one of Sockgate's.",
                'Set SESSION_ENGINE = "sockgate.sessions.redis", or .db, or .cached_db.',
                "session-engine-of-django",
            )
        name = self._visit.find_user()
        self._visit.log_in()
        return f"of {name}"

    def _request_token(self) -> str:
        self._ticket = self._site.request_token(self._visit)
        return f"at {self._site.origin}"

    def _find_gateway(self) -> str:
        url = self._ticket.gateway_url
        self._info = read_info(url, self._site.origin, self._timeout_s)
        return f"at {url}"

    def _check_policy(self) -> str:
        return check_policy(self._site.fetch_page(self._visit), self._ticket.gateway_url)

    def _walk_transport(self, transport: type[Tab]) -> None:
        if transport is WebSocketTab and not self._info["websocket"]:
            self._report.skip([transport.name], "not in SOCKGATE_TRANSPORTS of the gateway")
            return
        tab = transport(self._ticket.gateway_url, self._site.origin, self._timeout_s)
        data = token_urlsafe(12)
        try:
            self._make(
                {
                    f"{tab.name}: connect": lambda: self._connect(tab),
                    f"{tab.name}: publish": lambda: self._publish(data),
                    f"{tab.name}: receive": lambda: tab.receive(EVENT, data),
                    f"{tab.name}: logout": lambda: self._log_out(tab),
                }
            )
        finally:
            tab.close()
            self._visit.log_out()

    def _connect(self, tab: Tab) -> str:
        """Connect with a session of this transport alone."""
        self._visit.log_out()
        self._visit.log_in()
        return tab.connect(self._site.request_token(self._visit).token)

    def _publish(self, data: str) -> str:
        workers = publish(self._visit.user, EVENT, data, on_commit=False, sequenced=False)
        if not workers:
            channel = channel_name(f"user:{self._visit.user.pk}")
            raise StepFailed(
                f"No gateway has received a publication on {channel}.",
                "Set the same SOCKGATE_REDIS_URL and CHANNEL_PREFIX for both.",
                "another-redis-or-database",
            )
        return f"{workers} worker(s) received it"

    def _log_out(self, tab: Tab) -> str:
        self._visit.log_out()
        return f"closed with {tab.wait_for_close()}"

    def _clean_up(self) -> str:
        self._visit.clean_up()
        return ""


def _named(found: list[CheckMessage], check_id: str) -> CheckMessage | None:
    return next((one for one in found if one.id == check_id), None)


def _redis_answers() -> bool:
    with suppress(RedisError), time_budget(REDIS_TIMEOUT_S):
        return bool(pools.records().ping())
    return False


def _check_failed(found: CheckMessage) -> StepFailed:
    mend = str(found.hint or f"See {address_of('django.md#checks')}.")
    return StepFailed(f"{found.id}: {found.msg}", mend, "settings")
