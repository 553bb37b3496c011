"""``manage.py sockgate_online``: who has a page open, and how the workers are."""

import json
from time import time
from typing import Any

import msgspec
from django.core.management.base import CommandParser
from sockgate_gateway.wire.inspection import MAX_USERS

from ...channels.inspection.online import Online, Tab, Worker, read_now, read_online
from ...channels.inspection.sentences import time_of
from ...dev.terminal import printable
from ...tenants import bare
from ..operating import OperatorCommand


class Command(OperatorCommand):
    """Print how many users are connected, and the first of them by name."""

    help = "Prints how many users are connected, or on a channel, and who they are."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument("--channel", default="broadcast", help="default: all connections")
        parser.add_argument("--search", default="", help="only names that contain this text")
        parser.add_argument("--limit", type=int, default=50, help="of names; default: 50")
        parser.add_argument("--details", action="store_true", help="each connection of each user")
        parser.add_argument("--workers", action="store_true", help="how each worker is")
        parser.add_argument("--json", action="store_true")

    def operate(self, options: dict[str, Any]) -> None:
        """Print the numbers, and at most ``--limit`` names."""
        limit = max(options["limit"], 0)
        online = read_online(options["channel"], options["search"], limit)
        tabs: dict[str, list[Tab]] = {}
        workers: tuple[Worker, ...] = ()
        if options["details"] or options["workers"]:
            uids = [user.uid for user in online.shown[:MAX_USERS]] if options["details"] else []
            now = read_now(uids)
            tabs = now.tabs
            workers = now.workers if options["workers"] else ()
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(online, tabs, workers, options)))
            return
        self._print(online, tabs, workers)

    def _print(
        self, online: Online, tabs: dict[str, list[Tab]], workers: tuple[Worker, ...]
    ) -> None:
        most = "" if online.is_exact else "at most "
        self.stdout.write(
            f"users: {most}{online.users}, connections: {online.connections}, "
            f"anonymous: {online.anonymous}"
        )
        for user in online.shown:
            self.stdout.write(printable(f"{user.name} (pk {user.uid}): {user.connections}"))
            for tab in tabs.get(user.uid, ()):
                self.stdout.write(printable(f"  {_describe_tab(tab)}"))
        for worker in workers:
            self.stdout.write(printable(_describe_worker(worker)))


def _describe_tab(tab: Tab) -> str:
    one = tab.open
    channels = ", ".join(bare(channel.name) for channel in one.channels)
    more = one.channel_count - len(one.channels)
    return (
        f"{one.connection}: {one.transport} from {one.address} since {time_of(one.opened_at)}, at "
        f"{tab.worker}; {one.agent or 'no user agent'}; channels: {channels}"
        f"{f' and {more} more' if more else ''}; gaps: {one.gaps}, recoveries: {one.recoveries}, "
        f"unsent: {one.unsent_bytes} bytes"
    )


def _describe_worker(worker: Worker) -> str:
    state = worker.state
    if state is None:
        return f"{worker.name}: did not answer"
    redis = "none" if state.redis_s is None else f"{state.redis_s * 1000:.1f} ms"
    problems = "; ".join([*state.reasons, *state.notes])
    return (
        f"{worker.name}: {'not ready' if state.reasons else 'ready'}"
        f"{f' ({problems})' if problems else ''}, connections: {state.connections}, "
        f"users: {state.users}, up {time() - worker.started_at:.0f} s, loop lag: "
        f"{state.lag_s * 1000:g} ms, memory: {state.resident_bytes / 1e6:.0f} MB, Redis: {redis}, "
        f"version {state.version}, keys: {' '.join(state.keys)}"
    )


def _as_json(
    online: Online,
    tabs: dict[str, list[Tab]],
    workers: tuple[Worker, ...],
    options: dict[str, Any],
) -> dict[str, Any]:
    shown: list[dict[str, Any]] = []
    for user in online.shown:
        described = {"pk": user.uid, "name": user.name, "connections": user.connections}
        shown.append(described)
        if options["details"]:
            described["tabs"] = [
                {"worker": str(tab.worker), **msgspec.to_builtins(tab.open)}
                for tab in tabs.get(user.uid, ())
            ]
    found: dict[str, Any] = {
        "users": online.users,
        "connections": online.connections,
        "anonymous": online.anonymous,
        "is_exact": online.is_exact,
        "shown": shown,
    }
    if options["workers"]:
        found["workers"] = [
            {"worker": str(worker.name), "state": msgspec.to_builtins(worker.state)}
            for worker in workers
        ]
    return found
