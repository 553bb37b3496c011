"""Faults of browsers, links, gateways and Redis, and the effects that prove each of them."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import cast

from redis import Redis
from sockgate_gateway.wire.closecodes import CloseCode

from tests.integration.gatewayprocess import NAMES, Gateway, children, is_host_child
from tests.integration.lines import LINES
from tests.integration.stores import Alone, Followed, Sharded
from tests.integration.world import PADDING, World
from tests.waiting import wait_until

FROZEN_S = 6
"""Longer than any answer may take."""
TINY_LIMIT = "pubsub 65536 0 0"
USUAL_LIMIT = "pubsub 33554432 8388608 60"
MUCH = 1200
"""So many padded publications are more than a socket and an outbox hold."""
SILENT_S = 20
"""A probe is missed after 5 s, and later on a loaded machine."""
STARVED_S = 10
STARVED_TIMES = 3
"""Browsers that reconnect at the moment receive less; then the same is published again."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Args:
        happen: causes it; runs in a thread, unless it is a coroutine function.
        effect: what the world must have counted afterwards.
    """

    happen: Callable[[World], Awaitable[None] | None]
    effect: str

    @property
    def name(self) -> str:
        return self.happen.__name__


# Faults of browsers.


async def cut_browsers(world: World) -> None:
    for browser in world.some_browsers(4):
        browser.cut()


async def move_browsers(world: World) -> None:
    """Cut browsers, which reconnect to another gateway, on another transport."""
    for browser in world.some_browsers(6):
        gateway = world.random.choice(world.gateways)
        world.effects["moved"] += gateway.port != browser.gateway.port
        browser.move(gateway, world.random.choice(LINES))


async def starve_browsers(world: World) -> None:
    """Let one user's browsers read nothing until the gateway closes one that is too slow.

    More is published than an outbox holds. The browsers read on at once after that, because the
    gateway waits only briefly for a client to read its close code.
    """
    channel = _channel_of_a_user(world)
    starved = [browser for browser in world.browsers if channel in world.wanted(browser)]
    before = world.slow_closes
    for browser in starved:
        browser.starve()
    for _ in range(STARVED_TIMES):
        more = asyncio.to_thread(world.publish_at_once, [channel] * MUCH, world.redis, PADDING)
        _, is_closed = await asyncio.gather(more, _is_closed_as_slow(world, before))
        if is_closed:
            break
    for browser in starved:
        browser.read_on()


async def _is_closed_as_slow(world: World, before: int) -> bool:
    deadline = monotonic() + STARVED_S
    while world.slow_closes == before and monotonic() < deadline:
        await asyncio.sleep(0.05)  # Poll: a log sets no event.
    return world.slow_closes > before


# Faults of links.


def kill_subscribers(world: World) -> None:
    _kill_clients(world, "sockgate-subscriber")


def kill_readers(world: World) -> None:
    _kill_clients(world, "sockgate-reader")


def overflow_subscribers(world: World) -> None:
    """Publish more at once than Redis may keep for a subscriber."""
    before = _overflows(world)
    world.redis.config_set("client-output-buffer-limit", TINY_LIMIT)
    world.publish_at_once([_channel_of_a_user(world)] * MUCH, world.redis, PADDING)
    world.redis.config_set("client-output-buffer-limit", USUAL_LIMIT)
    world.effects["cut off by their buffer"] += _overflows(world) - before


def silence_subscribers(world: World) -> None:
    """Hold back what a subscription receives, while everything else answers."""
    wait_until(lambda: _loses_probe(world))


# Faults of gateways.


def kill_gateway(world: World) -> None:
    """Kill a gateway, or one of its workers."""
    gateway = world.random.choice(world.gateways)
    workers = _workers(gateway)
    os.kill(world.random.choice(workers), signal.SIGKILL)
    world.effects["killed"] += 1
    if workers == [gateway.process.pid]:
        gateway.process.wait()
        gateway.start()


def deploy_gateway(world: World) -> None:
    """Restart a gateway as an operator does."""
    gateway = world.random.choice(world.gateways)
    gateway.stop()
    gateway.start()


def halt_worker(world: World, seconds: float = 0) -> None:
    """Stop a worker (SIGSTOP) while something is published."""
    pid = world.random.choice(_workers(world.random.choice(world.gateways)))
    os.kill(pid, signal.SIGSTOP)
    # On a busy machine, a process stops some time after the signal.
    wait_until(lambda: _state_of(pid) == "T")
    world.publish_everywhere()
    sleep(seconds)  # The time is the fault.
    world.effects["stopped"] += _state_of(pid) == "T"
    os.kill(pid, signal.SIGCONT)


def freeze_worker(world: World) -> None:
    halt_worker(world, FROZEN_S)


# Faults of Redis.


def freeze_redis(world: World) -> None:
    with world.publishing_paused():
        cast(Alone, world.store).freeze(FROZEN_S)


def restart_redis(world: World) -> None:
    before = world.redis.info("server")["run_id"]
    with world.publishing_paused():
        cast(Alone, world.store).restart()
    world.effects["restarted"] += world.redis.info("server")["run_id"] != before


def replace_redis(world: World) -> None:
    """Replace Redis by one without data and without an append-only file."""
    with world.publishing_paused():
        cast(Alone, world.store).replace()
        _note_emptiness(world)


def flush(world: World) -> None:
    with world.publishing_paused():
        world.redis.flushall()
        _note_emptiness(world)


def begin_epoch(world: World) -> None:
    """Delete the position and the history of a channel."""
    channel = world.random.choice(world.channels)
    world.effects["deleted"] += world.redis.delete(NAMES.offset(channel), NAMES.history(channel))


def lose_histories(world: World) -> None:
    world.effects["deleted"] += world.redis.delete(*map(NAMES.history, world.channels))


# Faults of a master with a replica.


def fail_over(world: World) -> None:
    cast(Followed, world.store).fail_over()
    world.effects["replaced"] += 1


def kill_master(world: World) -> None:
    cast(Followed, world.store).kill_master()
    world.effects["replaced"] += 1


def freeze_master(world: World) -> None:
    cast(Followed, world.store).freeze_master()
    world.effects["replaced"] += 1


def lose_end(world: World) -> None:
    """Kill a master with publications that no replica has and no gateway has received."""

    def publish_unreceived(master: Redis, follower: Redis) -> None:
        master.client_kill_filter(_type="pubsub")
        world.publish_at_once(list(world.channels), master)
        kept, lost = world.positions(follower), world.positions(master)
        world.effects["lost"] += sum(kept[channel] != lost[channel] for channel in world.channels)

    cast(Followed, world.store).lose_end(publish_unreceived)


# Faults of a cluster.


def move_slot(world: World) -> None:
    store = cast(Sharded, world.store)
    channel = world.random.choice(world.channels)
    _move(world, store, channel)


def kill_primary(world: World) -> None:
    cast(Sharded, world.store).kill_primary()
    world.effects["replaced"] += 1


def move_slots_and_kill_primary(world: World) -> None:
    """Move slots between the two other primaries while one is dead."""
    store = cast(Sharded, world.store)

    def move_all() -> None:
        for channel in world.channels:
            origin = store.nodes.place_of(NAMES.history(channel))
            if origin in (1, 2):
                store.move_slot(channel, 3 - origin)
                world.effects["moved slots"] += 1

    store.kill_primary(move_all)
    world.effects["replaced"] += 1


def cut_shards(world: World) -> None:
    world.effects["shards cut"] += cast(Sharded, world.store).cut_links()


def _move(world: World, store: Sharded, channel: str) -> None:
    origin = store.nodes.place_of(NAMES.history(channel))
    to = world.random.choice([place for place in store.nodes.primaries() if place != origin])
    store.move_slot(channel, to)
    world.effects["moved slots"] += 1


SLOW = f"ended with {CloseCode.SLOW_CONSUMER:d}"
DRAINED = f"ended with {CloseCode.DRAIN:d}"

CUT = Fault(cut_browsers, "came back")
FAIL_OVER = Fault(fail_over, "replaced")
LOSE_END = Fault(lose_end, "lost")
COMMON = (
    CUT,
    Fault(move_browsers, "moved"),
    Fault(kill_subscribers, "killed by name"),
    Fault(kill_readers, "killed by name"),
    Fault(halt_worker, "stopped"),
)
RARE = (
    Fault(kill_gateway, "killed"),
    Fault(begin_epoch, "deleted"),
    Fault(lose_histories, "deleted"),
    Fault(flush, "emptied"),
)
HEAVY = (
    Fault(starve_browsers, SLOW),
    Fault(overflow_subscribers, "cut off by their buffer"),
    Fault(deploy_gateway, DRAINED),
)
LONG = (
    Fault(silence_subscribers, "probes lost"),
    Fault(freeze_redis, "links lost"),
)
OF_SHARDS = (
    Fault(move_slot, "moved slots"),
    Fault(kill_primary, "replaced"),
    Fault(move_slots_and_kill_primary, "moved slots"),
    Fault(cut_shards, "shards cut"),
)
FREEZE_WORKER = Fault(freeze_worker, "stopped")
OF_REDIS = (Fault(restart_redis, "restarted"), Fault(replace_redis, "emptied"))
OF_A_MASTER = (
    FAIL_OVER,
    Fault(kill_master, "replaced"),
    Fault(freeze_master, "replaced"),
    LOSE_END,
)


def _loses_probe(world: World) -> bool:
    """Silence the links; a link that is lost to the load meanwhile misses no probe."""
    relay = cast(Alone, world.store).relay
    wait_until(lambda: all(gateway.is_ready for gateway in world.gateways))
    before, deadline = world.lost_probes, monotonic() + SILENT_S
    relay.hold(b"sockgate-subscriber")
    world.publish_everywhere()
    while world.lost_probes == before and monotonic() < deadline:
        sleep(0.05)  # Poll: the log of a gateway sets no event.
    relay.release()
    return world.lost_probes > before


def _note_emptiness(world: World) -> None:
    world.effects["emptied"] += not world.redis.exists(*map(NAMES.history, world.channels))
    world.log_in()


def _channel_of_a_user(world: World) -> str:
    return f"user:{world.random.randrange(world.size.users)}"


def _overflows(world: World) -> int:
    return int(world.redis.info("stats")["client_output_buffer_limit_disconnections"])


def _kill_clients(world: World, name: str) -> None:
    for client in world.redis.client_list():
        if client["name"] == name:
            world.effects["killed by name"] += world.redis.client_kill_filter(_id=client["id"])


def _workers(gateway: Gateway) -> list[int]:
    """List the processes that serve clients, without those that have ended."""
    pid = gateway.process.pid
    workers = [child for child in children(pid) if not is_host_child(child)]
    return [worker for worker in workers if _state_of(worker) != "Z"] or [pid]


def _state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
