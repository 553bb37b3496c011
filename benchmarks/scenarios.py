"""The scenarios that are measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from .load import Load
from .servers import ALL
from .servers.base import Server
from .servers.sockgate import Sockgate
from .servers.without import ABLATED

ENDLESS = 10_000_000
"""Rounds for a load that is limited by its seconds."""

HEARTBEATS_S = 30
"""Longer than any server's interval of heartbeats."""

STAY_S = 20
"""Several heartbeats of a worker's presence."""

SETTLE_S = 0.5

LET_GO_S = 8
"""Longer than any server keeps the state of clients that are gone."""

MAIN = ("floor", "sockgate", "Socket.IO", "nchan")
"""Servers in every scenario. The others are measured where they are an alternative."""


class Kind(Enum):
    """The kinds of scenarios."""

    LOAD = "one load"
    COME_BACK = "all clients vanish and come back at once"
    RECOVER = "all clients vanish and come back at once, to be given what they missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario.

    Args:
        name: in the results.
        title: in the report.
        load: what is done.
        servers: to whom; None: to all that can.
        max_runs: of the dear ones, fewer.
        settle_s: how long the server is left alone before.
        compression: whether the server is started with permessage-deflate.
    """

    name: str
    title: str
    load: Load
    servers: tuple[str, ...] | None = None
    kind: Kind = Kind.LOAD
    max_runs: int = 99
    settle_s: float = SETTLE_S
    compression: bool = False

    def concerns(self, server: str) -> bool:
        """Return whether a server takes part."""
        return self.servers is None or server in self.servers


def _size(body: int) -> str:
    return f"{body} B" if body < 1024 else f"{body // 1024} KiB"


def _fan_out(
    conns: int, burst: int, body: int, seconds: float, servers: tuple[str, ...] | None
) -> Scenario:
    how = "one in flight" if burst == 1 else f"bursts of {burst}"
    return Scenario(
        name=f"fanout_{conns}_b{burst}_{body}",
        title=f"fan-out to {conns:,}, {how}, {_size(body)}",
        load=Load(conns=conns, rounds=ENDLESS, seconds=seconds, burst=burst, body=body),
        servers=servers,
    )


def _private(seconds: float) -> Iterator[Scenario]:
    load = Load(conns=1000, rounds=ENDLESS, seconds=seconds, to_one=True)
    yield Scenario(name="private", title="private, full rate", load=replace(load, window=256))
    at_rate = replace(load, rate=1000, seconds=max(seconds, 2))
    yield Scenario(name="private_rate", title="private, 1,000 messages/s", load=at_rate)
    yield Scenario(
        name="mix",
        title="private, 1,000 messages/s, and one broadcast/s to 1,000",
        load=replace(at_rate, broadcast_every_s=1, seconds=max(seconds, 3)),
        servers=MAIN,
    )


def _over_http(seconds: float) -> Iterator[Scenario]:
    sockjs = ("sockgate", "sockjs-node", "sockjs-tornado")
    for transport in ("xhr_streaming", "xhr", "rawwebsocket"):
        yield Scenario(
            name=transport,
            title=f"fan-out to 1,000 over {transport}, one in flight, 64 B",
            load=Load(conns=1000, rounds=ENDLESS, seconds=seconds, transport=transport),
            servers=sockjs,
        )


def _idle(conns: int, hold_s: int) -> Scenario:
    """Run this first, while the server's memory is that of a new process."""
    title = f"connect {conns:,} to a new process, then {hold_s} s idle"
    load = Load(conns=conns, hold_s=hold_s)
    return Scenario(name=f"idle_{conns}", title=title, load=load, max_runs=3)


def _connect_only(conns: int, settle_s: float = SETTLE_S) -> Scenario:
    """Run this late, when just-in-time compilers have warmed up."""
    name, title = f"connect_{conns}", f"connect {conns:,}"
    return Scenario(name=name, title=title, load=Load(conns=conns), settle_s=settle_s)


def _reconnects() -> Iterator[Scenario]:
    load = Load(conns=8000, ramp=1000)
    yield Scenario(
        name="storm",
        title="8,000 vanish and come back at once",
        load=load,
        servers=("sockgate", "Socket.IO", "nchan"),
        kind=Kind.COME_BACK,
        max_runs=3,
    )
    yield Scenario(
        name="storm_recovery",
        title="8,000 come back at once and are given what they missed",
        load=load,
        servers=("sockgate",),
        kind=Kind.RECOVER,
        max_runs=3,
    )


def _compressed(seconds: float) -> Iterator[Scenario]:
    load = Load(conns=1000, rounds=ENDLESS, seconds=seconds, body=1024, deflate=True)
    yield Scenario(
        name="deflate",
        title="fan-out to 1,000 with permessage-deflate, one in flight, 1 KiB",
        load=load,
        compression=True,
    )


def _and_sequenced(scenario: Scenario) -> tuple[Scenario, Scenario]:
    """Return a scenario twice, the second time with sequenced publications."""
    kept = replace(scenario.load, sequenced=True)
    title = f"{scenario.title}, kept for recovery"
    return scenario, replace(scenario, name=f"{scenario.name}_sequenced", title=title, load=kept)


def _subscribed(namespace: str, how: str) -> Scenario:
    return Scenario(
        name=f"subscribed_{namespace}",
        title=f"1,000 come, subscribe to {how}, and stay {STAY_S} s",
        load=Load(conns=1000, transport=namespace, hold_s=STAY_S),
    )


def _slow(seconds: float) -> Scenario:
    return Scenario(
        name="slow",
        title="fan-out to 1,000 of whom 5% do not read, one in flight, 16 KiB",
        load=Load(conns=1000, rounds=ENDLESS, seconds=seconds, body=16384, slow_percent=5),
        servers=("sockgate", "Socket.IO", "nchan"),
        max_runs=3,
    )


def quick() -> list[Scenario]:
    """List scenarios that fit in five minutes."""
    seconds = 0.8
    fan_outs = [_fan_out(1000, burst, 64, seconds, MAIN) for burst in (16, 64)]
    others = [_fan_out(1000, 1, 64, seconds, None), *_private(seconds)]
    chosen = [_idle(1000, 1), *others, *fan_outs, _connect_only(1000), *_over_http(seconds)]
    left_out = {"mix", "xhr", "rawwebsocket"}
    return [scenario for scenario in chosen if scenario.name not in left_out]


def full() -> list[Scenario]:
    """List all scenarios with 1,000 connections."""
    seconds = 2.0
    fan_outs = [
        _fan_out(1000, burst, body, seconds, None if body == 64 else MAIN)
        for body in (64, 1024, 16384)
        for burst in (1, 16, 64)
    ]
    return [
        _idle(1000, 1),
        *fan_outs,
        *_private(seconds),
        _connect_only(1000),
        *_over_http(seconds),
        _slow(seconds),
        *_compressed(seconds),
    ]


def crowd() -> list[Scenario]:
    """List the scenarios with 8,000 connections."""
    fan_outs = [_fan_out(8000, burst, 64, 2.0, None) for burst in (1, 16, 64)]
    connects = (_connect_only(1000, LET_GO_S), _connect_only(8000, LET_GO_S))
    return [_idle(8000, HEARTBEATS_S), *fan_outs, *connects, *_reconnects()]


def techniques() -> list[Scenario]:
    """List the scenarios for the techniques."""
    seconds = 1.0
    fan_outs = [_fan_out(1000, burst, 64, seconds, None) for burst in (1, 64)]
    private, *_ = _private(seconds)
    return [_connect_only(8000), _connect_only(1000), *fan_outs, private]


def costs() -> list[Scenario]:
    """List scenarios with and without sequencing and presence."""
    seconds = 2.0
    private, private_at_rate, _ = _private(seconds)
    loads = (_fan_out(1000, 1, 64, seconds, None), private, private_at_rate)
    return [
        *(twin for load in loads for twin in _and_sequenced(load)),
        _subscribed("plain", "a channel"),
        _subscribed("counted", "a channel with presence"),
        _subscribed("join_leave", "a channel with join and leave notices"),
    ]


def smoke() -> list[Scenario]:
    """List all scenarios with a tiny load, as a test."""
    everything = {scenario.name: scenario for scenario in (*full(), *crowd())}
    return [replace(scenario, load=_tiny(scenario.load)) for scenario in everything.values()]


def _tiny(load: Load) -> Load:
    seconds = 0.2 if load.seconds else 0
    return replace(load, conns=100, seconds=seconds, hold_s=min(load.hold_s, 1))


@dataclass(frozen=True, slots=True)
class Mode:
    """What an invocation measures.

    Args:
        scenarios: what.
        runs: how often, interleaved.
        minor_runs: how often those servers that are not in ``MAIN``, unless they are asked for.
        servers: their names.
        budget_s: no run begins that would probably end after so many seconds.
    """

    scenarios: Callable[[], list[Scenario]]
    runs: int
    minor_runs: int
    budget_s: float
    servers: tuple[Server, ...] = ALL


CROWD = tuple(server for server in ALL if server.name in MAIN)

MODES = {
    "quick": Mode(quick, runs=3, minor_runs=1, budget_s=280),
    "full": Mode(full, runs=3, minor_runs=1, budget_s=60 * 60),
    "crowd": Mode(crowd, runs=3, minor_runs=3, budget_s=25 * 60, servers=CROWD),
    "techniques": Mode(techniques, runs=3, minor_runs=3, budget_s=20 * 60, servers=ABLATED),
    "costs": Mode(costs, runs=5, minor_runs=5, budget_s=15 * 60, servers=(Sockgate(),)),
    "smoke": Mode(smoke, runs=1, minor_runs=1, budget_s=10 * 60),
}
