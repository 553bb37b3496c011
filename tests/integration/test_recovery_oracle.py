"""Numbered publications through every kind of trouble: gapless and in order, or a gap in between.

The oracle knows one thing: what the publisher has numbered. What a browser heard of a channel must
be consecutive numbers, except where it was told of a gap, and must end with the last number.
"""

import asyncio
import inspect
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from gateway.wire.closecodes import CloseCode

from .returning import running
from .sequences import Listener
from .world import LARGE, SMALL, World

pytestmark = pytest.mark.integration

SETTLED_WITHIN_S = 60
Fault = Callable[[World], Any]

TO_BROWSERS: tuple[Fault, ...] = (World.cut_browsers, World.move_browsers, World.starve_browsers)
COMMON: tuple[Fault, ...] = (
    World.cut_browsers,
    World.cut_browsers,
    World.move_browsers,
    World.kill_subscribers,
    World.kill_readers,
    World.halt_gateway,
)
RARE: tuple[Fault, ...] = (
    World.restart_gateway,
    World.begin_epoch,
    World.lose_histories,
    World.flush,
)
HEAVY: tuple[Fault, ...] = (
    World.starve_browsers,
    World.overflow_subscribers,
    World.restart_gateway,
    World.restart_redis,
    World.freeze_gateway,
    World.freeze_redis,
    World.deploy_gateway,
)
"""Happen in turn, so that none is left out."""


@dataclass(frozen=True)
class Life:
    """What a world lives through."""

    rounds: int
    publications: tuple[int, int]
    """Fewest and most of a round."""
    pause_s: float
    rare_every: int = 10
    heavy_every: int = 0
    replaced_in: int = -1
    """The round in which Redis loses everything."""


def fault_of(world: World, life: Life, number: int) -> Fault:
    """Decide what happens in a round."""
    if number == life.replaced_in:
        return World.replace_redis
    if life.heavy_every and number % life.heavy_every == life.heavy_every - 1:
        return HEAVY[number // life.heavy_every % len(HEAVY)]
    return world.random.choice(RARE if number % life.rare_every == 3 else COMMON)


async def happen(world: World, fault: Fault) -> None:
    """Let it happen: to browsers here, to servers beside the loop."""
    world.happened[fault.__name__] += 1
    if inspect.iscoroutinefunction(fault):
        await fault(world)
    elif fault in TO_BROWSERS:
        fault(world)
    else:
        await asyncio.to_thread(fault, world)


async def live(world: World, life: Life) -> None:
    """Publish, and let something happen in every round."""
    for number in range(life.rounds):
        count = world.random.randint(*life.publications)
        fault = fault_of(world, life, number)
        publishing = asyncio.to_thread(world.publish_some, count)
        await asyncio.gather(publishing, happen(world, fault))
        await asyncio.sleep(world.random.random() * life.pause_s)


async def settled(question: Callable[[], bool]) -> None:
    async with asyncio.timeout(SETTLED_WITHIN_S):
        while not question():
            await asyncio.sleep(0.05)


def are_up_to_date(world: World) -> bool:
    """Tell whether all browsers know where their channels stand."""
    positions = world.positions()
    return all(
        browser.listener.positions.get(channel) == positions[channel]
        for browser in world.browsers
        for channel in world.wanted(browser)
    )


def have_all(world: World) -> bool:
    return all(
        (browser.listener.heard.get(channel) or [0])[-1] == world.published[channel]
        for browser in world.browsers
        for channel in world.wanted(browser)
    )


def breaks(heard: list[Any]) -> list[tuple[object, object]]:
    """List where numbers do not follow one another though no gap was told."""
    pairs = pairwise(heard)
    return [(a, b) for a, b in pairs if Listener.GAP not in (a, b) and b != a + 1]


def needless_gaps(heard: list[Any]) -> int:
    """Count gaps, one or more in a row, between numbers that follow one another."""
    at = [place for place, number in enumerate(heard) if number != Listener.GAP]
    return sum(b > a + 1 and heard[b] == heard[a] + 1 for a, b in pairwise(at))


async def judge(world: World, life: Life) -> None:
    await settled(lambda: all(browser.times_welcomed for browser in world.browsers))
    await live(world, life)
    await asyncio.to_thread(world.publish_everywhere)
    await settled(lambda: are_up_to_date(world))
    await asyncio.to_thread(world.publish_everywhere)
    await settled(lambda: have_all(world))
    for browser in world.browsers:
        assert (browser.listener.duplicates, browser.listener.holes) == (0, 0), browser.way
        for channel, heard in browser.listener.heard.items():
            assert breaks(heard) == [], channel
            numbers = [number for number in heard if number != Listener.GAP]
            assert numbers == sorted(set(numbers)), channel


def summary(world: World) -> str:
    """Tell in figures what there was."""
    listeners = [browser.listener for browser in world.browsers]
    sequences = [heard for listener in listeners for heard in listener.heard.values()]
    welcomes = sum(browser.times_welcomed for browser in world.browsers)
    ends = sum((browser.ends for browser in world.browsers), Counter())
    gaps = sum(heard.count(Listener.GAP) for heard in sequences)
    return (
        f"{sum(world.published.values())} publications on {len(world.channels)} channels, "
        f"{len(listeners)} browsers welcomed {welcomes} times, "
        f"{len(sequences)} sequences of {sum(map(len, sequences)) - gaps} publications heard, "
        f"{gaps} gaps told ({sum(map(needless_gaps, sequences))} where nothing was missing), "
        f"{sum(len(breaks(heard)) for heard in sequences)} losses not told, "
        f"{sum(listener.holes for listener in listeners)} holes, "
        f"{sum(listener.duplicates for listener in listeners)} duplicates; "
        f"{dict(world.happened)}; ends: {dict(ends)}"
    )


@pytest.fixture
def run(tmp_path):
    """Live in a world that is seeded."""

    async def run(seed, size, life) -> World:
        world = World(tmp_path, Random(seed), size)
        try:
            async with running(world.browsers):
                await judge(world, life)
        finally:
            print(summary(world))
            world.stop()
        return world

    return run


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_sequence_is_whole_or_says_where_it_is_not(run, seed):
    await run(seed, SMALL, Life(rounds=25, publications=(1, 40), pause_s=0.15))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 14))
async def test_every_sequence_is_whole_for_longer(run, seed):
    await run(seed, SMALL, Life(rounds=150, publications=(1, 40), pause_s=0.15))


@pytest.mark.soak
async def test_every_sequence_of_a_crowd_is_whole_through_everything(run):
    rounds = int(os.environ.get("ORACLE_ROUNDS", "210"))
    life = Life(rounds, publications=(380, 520), pause_s=1, heavy_every=8, replaced_in=rounds // 2)
    world = await run(4, LARGE, life)
    assert sum(world.published.values()) >= 480 * rounds
    assert world.happened["subscribers cut off by their buffer"]
    assert sum(browser.ends[CloseCode.SLOW_CONSUMER] for browser in world.browsers)
