"""Numbered publications through every kind of trouble: gapless and in order, or a gap in between.

The oracle knows one thing: what the publisher has numbered. What a browser heard of a channel must
be consecutive numbers, except where it was told of a gap, and must end with the last number.
"""

import asyncio
import inspect
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from time import monotonic
from typing import Any

import pytest

from .faults import (
    COMMON,
    CUT,
    FAIL_OVER,
    FREEZE_WORKER,
    HEAVY,
    LONG,
    LOSE_END,
    OF_THE_MASTER,
    OF_THE_SERVER,
    RARE,
    Fault,
)
from .pages import chromium
from .sequences import Listener
from .stores import Alone, Followed
from .world import FEW, LARGE, SMALL, Browser, World

pytestmark = [pytest.mark.integration, pytest.mark.browser]

SETTLED_WITHIN_S = 60


@dataclass(frozen=True)
class Life:
    """What a world lives through: each fault once, in any order, and again as rounds allow."""

    rounds: int
    publications: tuple[int, int]
    """Fewest and most of a round."""
    pause_s: float
    faults: Sequence[Fault]


def drawn(random: Random, faults: Sequence[Fault]) -> Iterator[Fault]:
    """Draw faults like cards, which are shuffled again when all were drawn."""
    while True:
        yield from random.sample(faults, len(faults))


async def happen(world: World, fault: Fault) -> None:
    """Let it happen, to servers beside the loop."""
    world.happened[fault.name] += 1
    if inspect.iscoroutinefunction(fault.happen):
        await fault.happen(world)
    else:
        await asyncio.to_thread(fault.happen, world)


async def live(world: World, life: Life) -> None:
    """Publish, and let something happen in every round."""
    faults = drawn(world.random, life.faults)
    for _ in range(life.rounds):
        count = world.random.randint(*life.publications)
        publishing = asyncio.to_thread(world.publish_some, count)
        await asyncio.gather(publishing, happen(world, next(faults)))
        await asyncio.sleep(world.random.random() * life.pause_s)


async def settled(waiting: Callable[[], list[Any]]) -> None:
    """Wait until there is nothing to wait for."""
    deadline = monotonic() + SETTLED_WITHIN_S
    while left := waiting():
        assert monotonic() < deadline, left[:5]
        await asyncio.sleep(0.05)


def not_welcomed(world: World) -> list[object]:
    return [browser.way for browser in world.browsers if not browser.times_welcomed]


def not_up_to_date(world: World) -> list[object]:
    """List who does not know where one of his channels stands."""
    positions = world.positions()
    return [
        (browser.way, channel, known, positions[channel])
        for browser in world.browsers
        for channel in world.wanted(browser)
        if (known := browser.listener.positions.get(channel)) != positions[channel]
    ]


def without_the_last(world: World) -> list[object]:
    return [
        (browser.way, channel)
        for browser in world.browsers
        for channel in world.wanted(browser)
        if (browser.listener.heard.get(channel) or [0])[-1] != world.published[channel]
    ]


def breaks(heard: list[Any]) -> list[tuple[object, object]]:
    """List where numbers do not follow one another though no gap was told."""
    pairs = pairwise(heard)
    return [(a, b) for a, b in pairs if Listener.GAP not in (a, b) and b != a + 1]


def needless_gaps(heard: list[Any]) -> int:
    """Count gaps, one or more in a row, between numbers that follow one another."""
    at = [place for place, number in enumerate(heard) if number != Listener.GAP]
    return sum(b > a + 1 and heard[b] == heard[a] + 1 for a, b in pairwise(at))


async def judge(world: World, life: Life) -> None:
    await settled(lambda: not_welcomed(world))
    await live(world, life)
    await asyncio.to_thread(world.publish_everywhere)
    await settled(lambda: not_up_to_date(world))
    await asyncio.to_thread(world.publish_everywhere)
    await settled(lambda: without_the_last(world))
    for browser in world.browsers:
        assert (browser.listener.duplicates, browser.listener.holes) == (0, 0), browser.way
        for channel, heard in browser.listener.heard.items():
            assert breaks(heard) == [], channel
            numbers = [number for number in heard if number != Listener.GAP]
            assert numbers == sorted(set(numbers)), channel


def without_effect(world: World, life: Life) -> list[str]:
    """List the faults that were left out, though there was time, or of which nothing came."""
    is_long = life.rounds >= len(life.faults)
    return [
        fault.name
        for fault in life.faults
        if (is_long or world.happened[fault.name])
        if not (world.happened[fault.name] and world.effects[fault.effect])
    ]


def summary(world: World, seconds: float) -> str:
    """Tell in figures what there was."""
    listeners = [browser.listener for browser in world.browsers]
    sequences = [heard for listener in listeners for heard in listener.heard.values()]
    welcomes = sum(browser.times_welcomed for browser in world.browsers)
    gaps = sum(heard.count(Listener.GAP) for heard in sequences)
    return (
        f"{sum(world.published.values())} publications on {len(world.channels)} channels, "
        f"{len(listeners)} browsers welcomed {welcomes} times, "
        f"{len(sequences)} sequences of {sum(map(len, sequences)) - gaps} publications heard, "
        f"{gaps} gaps told ({sum(map(needless_gaps, sequences))} where nothing was missing), "
        f"{sum(len(breaks(heard)) for heard in sequences)} losses not told, "
        f"{sum(listener.holes for listener in listeners)} holes, "
        f"{sum(listener.duplicates for listener in listeners)} duplicates, "
        f"{seconds:.0f} seconds; {dict(world.happened)}; {dict(world.effects)}"
    )


@asynccontextmanager
async def running(browsers: list[Browser]) -> AsyncIterator[None]:
    """Let browsers come and go meanwhile."""
    tasks = [asyncio.ensure_future(browser.run()) for browser in browsers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for browser in browsers:
            await browser.leave()


@pytest.fixture
def run(tmp_path):
    """Live in a world that is seeded."""

    async def run(seed, size, life, keep=Alone) -> World:
        store = await asyncio.to_thread(keep, tmp_path)
        try:
            async with chromium() as context:
                world = await asyncio.to_thread(World, tmp_path, Random(seed), size, store, context)
                await live_and_judge(world, life)
        finally:
            await asyncio.to_thread(store.stop)
        return world

    return run


async def live_and_judge(world: World, life: Life) -> None:
    began_at = monotonic()
    kinds = Counter(
        str(getattr(browser.way, "__name__", browser.way)) for browser in world.browsers
    )
    print(dict(kinds))
    try:
        async with running(world.browsers):
            await judge(world, life)
    finally:
        await asyncio.to_thread(world.stop)
        world.count()
        print(summary(world, monotonic() - began_at))
    assert without_effect(world, life) == []


BRIEF = {"publications": (1, 40), "pause_s": 0.15}


@pytest.mark.parametrize(
    ("seed", "faults"),
    [
        pytest.param(1, (*COMMON * 2, *RARE, *HEAVY), id="gateways"),
        pytest.param(2, (*COMMON, *LONG, *OF_THE_SERVER), id="redis"),
    ],
)
async def test_every_sequence_is_whole_or_says_where_it_is_not(run, seed, faults):
    await run(seed, SMALL, Life(len(faults), faults=faults, **BRIEF))


async def test_every_sequence_is_whole_or_says_where_a_master_was_lost(run):
    faults = (CUT, FAIL_OVER, LOSE_END)
    await run(3, FEW, Life(len(faults), faults=faults, **BRIEF), Followed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 14))
async def test_every_sequence_is_whole_for_longer(run, seed):
    faults = (*COMMON * 12, *RARE * 3, *HEAVY, *LONG, FREEZE_WORKER, *OF_THE_SERVER)
    await run(seed, SMALL, Life(150, faults=faults, **BRIEF))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20, 22))
async def test_every_sequence_is_whole_through_many_masters(run, seed):
    faults = (*COMMON * 2, *RARE, *OF_THE_MASTER)
    await run(seed, SMALL, Life(40, faults=faults, **BRIEF), Followed)


@pytest.mark.soak
async def test_every_sequence_of_a_crowd_is_whole_through_everything(run):
    rounds = int(os.environ.get("ORACLE_ROUNDS", "130"))
    long = (*LONG, FREEZE_WORKER)
    faults = (*COMMON * 14, *RARE * 4, *HEAVY * 4, *long * 3, *OF_THE_SERVER)
    life = Life(rounds, publications=(700, 900), pause_s=0.5, faults=faults)
    world = await run(4, LARGE, life)
    assert sum(world.published.values()) >= 770 * rounds
