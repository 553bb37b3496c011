"""What may happen to a world, and how it shows that it has."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import cast

from redis import Redis

from gateway.wire.closecodes import CloseCode

from .gatewayprocess import NAMES, Gateway
from .lines import LINES
from .sentinels import wait_until
from .stores import Alone, Followed
from .world import PADDING, World

"""Longer than the probe of a subscriber may be away."""
FROZEN_S = 6
"""Longer than any answer may take."""
TINY_LIMIT = "pubsub 65536 0 0"
USUAL_LIMIT = "pubsub 33554432 8388608 60"
MUCH = 1200
"""So many padded publications are more than a socket takes, and an outbox."""
STARVED_S = 4


@dataclass(frozen=True)
class Fault:
    """What may happen.

    Args:
        happen: lets it happen; beside the loop, unless it awaits.
        effect: what the world must have counted once it has happened.
    """

    happen: Callable[[World], Awaitable[None] | None]
    effect: str

    @property
    def name(self) -> str:
        return self.happen.__name__


# What happens to browsers.


async def cut_browsers(world: World) -> None:
    for browser in world.some_browsers(4):
        browser.cut()


async def move_browsers(world: World) -> None:
    """Cut browsers, and let them come back elsewhere, on another transport."""
    for browser in world.some_browsers(6):
        gateway = world.random.choice(world.gateways)
        world.effects["moved"] += gateway.port != browser.gateway.port
        browser.move(gateway, world.random.choice(LINES))


async def starve_browsers(world: World) -> None:
    """Let the browsers of one user read nothing while more comes than may wait for them."""
    channel = _channel_of_somebody(world)
    naps = [
        browser.starve(STARVED_S) for browser in world.browsers if channel in world.wanted(browser)
    ]
    publishing = asyncio.to_thread(world.publish_at_once, [channel] * MUCH, world.redis, PADDING)
    await asyncio.gather(publishing, *naps)


# What happens to links.


def kill_subscribers(world: World) -> None:
    _kill_clients(world, "sockgate-subscriber")


def kill_readers(world: World) -> None:
    _kill_clients(world, "sockgate-reader")


def overflow_subscribers(world: World) -> None:
    """Publish more at once than Redis may keep for a subscriber."""
    before = _overflows(world)
    world.redis.config_set("client-output-buffer-limit", TINY_LIMIT)
    world.publish_at_once([_channel_of_somebody(world)] * MUCH, world.redis, PADDING)
    world.redis.config_set("client-output-buffer-limit", USUAL_LIMIT)
    world.effects["cut off by their buffer"] += _overflows(world) - before


def mute_subscribers(world: World) -> None:
    """Let a subscription say nothing while everything else answers."""
    relay = cast(Alone, world.store).relay
    wait_until(lambda: all(gateway.is_ready for gateway in world.gateways))
    before = world.lost_probes
    relay.hold(b"sockgate-subscriber")
    world.publish_everywhere()
    wait_until(lambda: world.lost_probes > before)
    relay.release()


# What happens to gateways.


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
    """Stop a gateway as an operator does, and start it again."""
    gateway = world.random.choice(world.gateways)
    gateway.stop()
    gateway.start()


def halt_worker(world: World, seconds: float = 0) -> None:
    """Let a worker stand still while something is published."""
    pid = world.random.choice(_workers(world.random.choice(world.gateways)))
    os.kill(pid, signal.SIGSTOP)
    world.publish_everywhere()
    sleep(seconds)
    world.effects["stood still"] += _state_of(pid) == "T"
    os.kill(pid, signal.SIGCONT)


def freeze_worker(world: World) -> None:
    halt_worker(world, FROZEN_S)


# What happens to Redis.


def freeze_redis(world: World) -> None:
    with world.nobody_publishing():
        cast(Alone, world.store).freeze(FROZEN_S)


def restart_redis(world: World) -> None:
    before = world.redis.info("server")["run_id"]
    with world.nobody_publishing():
        cast(Alone, world.store).restart()
    world.effects["restarted"] += world.redis.info("server")["run_id"] != before


def replace_redis(world: World) -> None:
    """Let Redis lose its memory and its append-only file."""
    with world.nobody_publishing():
        cast(Alone, world.store).replace()
        _note_emptiness(world)


def flush(world: World) -> None:
    with world.nobody_publishing():
        world.redis.flushall()
        _note_emptiness(world)


def begin_epoch(world: World) -> None:
    """Let Redis forget a channel."""
    channel = world.random.choice(world.channels)
    world.effects["forgotten"] += world.redis.delete(NAMES.offset(channel), NAMES.history(channel))


def lose_histories(world: World) -> None:
    world.effects["forgotten"] += world.redis.delete(*map(NAMES.history, world.channels))


# What happens to a master that is followed.


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
    """Kill a master with publications that nobody else has, before anybody has heard them."""
    before = world.positions()

    def publish_unheard(master: Redis) -> None:
        master.client_kill_filter(_type="pubsub")
        world.publish_at_once(list(world.channels), master)

    cast(Followed, world.store).lose_end(publish_unheard)
    after = world.positions()
    world.effects["lost"] += sum(
        after[channel][1] <= before[channel][1] for channel in world.channels
    )


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
    Fault(halt_worker, "stood still"),
)
RARE = (
    Fault(kill_gateway, "killed"),
    Fault(begin_epoch, "forgotten"),
    Fault(lose_histories, "forgotten"),
    Fault(flush, "emptied"),
)
HEAVY = (
    Fault(starve_browsers, SLOW),
    Fault(overflow_subscribers, "cut off by their buffer"),
    Fault(deploy_gateway, DRAINED),
)
LONG = (
    Fault(mute_subscribers, "probes lost"),
    Fault(freeze_redis, "links lost"),
)
FREEZE_WORKER = Fault(freeze_worker, "stood still")
OF_THE_SERVER = (Fault(restart_redis, "restarted"), Fault(replace_redis, "emptied"))
OF_THE_MASTER = (
    FAIL_OVER,
    Fault(kill_master, "replaced"),
    Fault(freeze_master, "replaced"),
    LOSE_END,
)


def _note_emptiness(world: World) -> None:
    world.effects["emptied"] += not world.redis.exists(*map(NAMES.history, world.channels))
    world.log_in()


def _channel_of_somebody(world: World) -> str:
    return f"user:{world.random.randrange(world.size.users)}"


def _overflows(world: World) -> int:
    return int(world.redis.info("stats")["client_output_buffer_limit_disconnections"])


def _kill_clients(world: World, name: str) -> None:
    for client in world.redis.client_list():
        if client["name"] == name:
            world.effects["killed by name"] += world.redis.client_kill_filter(_id=client["id"])


def _workers(gateway: Gateway) -> list[int]:
    """List the processes that serve browsers."""
    pid = gateway.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children] or [pid]


def _state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
