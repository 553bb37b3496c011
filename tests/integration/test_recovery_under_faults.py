"""Numbered publications through every kind of fault: complete and in order, or with a ``gap``.

The oracle has the numbers of the publisher. What a browser receives on a channel must be
consecutive numbers, except where it receives ``gap``, and must end with the last number.
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

from tests.integration.faults import (
    COMMON,
    CUT,
    FAIL_OVER,
    FREEZE_WORKER,
    HEAVY,
    LONG,
    LOSE_END,
    OF_A_MASTER,
    OF_REDIS,
    OF_SHARDS,
    RARE,
    Fault,
)
from tests.integration.pages import Page, open_chromium
from tests.integration.sequences import ClientState
from tests.integration.stores import Alone, Followed, Sharded
from tests.integration.world import FEW, LARGE, SEQUENCED, SMALL, Browser, World

pytestmark = [pytest.mark.integration, pytest.mark.browser]

EMPTY_WITHIN_S = 600
LAST_TIMES = 5


@dataclass(frozen=True)
class Plan:
    """The faults of a run: each once, in any order, and again as rounds allow."""

    rounds: int
    publications: tuple[int, int]
    """The fewest and the most of a round."""
    pause_s: float
    faults: Sequence[Fault]


def shuffled(random: Random, faults: Sequence[Fault]) -> Iterator[Fault]:
    """Yield all faults in random order, again and again."""
    while True:
        yield from random.sample(faults, len(faults))


async def happen(world: World, fault: Fault) -> None:
    """Cause a fault, in a thread unless it is a coroutine function."""
    world.happened[fault.name] += 1
    if inspect.iscoroutinefunction(fault.happen):
        await fault.happen(world)
    else:
        await asyncio.to_thread(fault.happen, world)


async def run_rounds(world: World, plan: Plan) -> None:
    """Publish, and cause a fault in every round."""
    faults = shuffled(world.random, plan.faults)
    for _ in range(plan.rounds):
        count = world.random.randint(*plan.publications)
        publishing = asyncio.to_thread(world.publish_some, count)
        await asyncio.gather(publishing, happen(world, next(faults)))
        # Faults shall meet the recovery from the last one at a random moment.
        await asyncio.sleep(world.random.random() * plan.pause_s)


async def wait_until_empty(waiting: Callable[[], list[Any]]) -> None:
    """Wait until the list is empty."""
    deadline = monotonic() + EMPTY_WITHIN_S
    while left := waiting():
        assert monotonic() < deadline, left[:5]
        try:
            await asyncio.sleep(0.05)  # Poll: browsers and servers set no event.
        except asyncio.CancelledError:
            print("The time of the test is over, and these are left:", left[:5])
            raise


async def wait_until_up_to_date(world: World) -> None:
    """Wait for all browsers; say of a page that stays behind in which state it is."""
    try:
        await wait_until_empty(lambda: not_up_to_date(world))
    except AssertionError as error:
        behind = {id(browser): browser for browser, *_ in behind_in(world)}.values()
        pages = [await browser.explain() for browser in behind if isinstance(browser, Page)]
        raise AssertionError(f"{error}\n" + "\n".join(pages)) from error


def not_welcomed(world: World) -> list[object]:
    return [browser.transport for browser in world.browsers if not browser.times_welcomed]


def not_up_to_date(world: World) -> list[object]:
    """List the browsers whose position in a channel is not the current one."""
    return [(browser.transport, *rest) for browser, *rest in behind_in(world)]


def behind_in(world: World) -> list[tuple[Any, ...]]:
    positions = world.positions()
    return [
        (browser, channel, known, positions[channel])
        for browser in world.browsers
        for channel in world.wanted(browser)
        if (known := browser.state.positions.get(channel)) != positions[channel]
    ]


def without_the_last(world: World) -> list[tuple[Browser, str]]:
    """List the sequences that do not end with the last number."""
    return [
        (browser, channel)
        for browser in world.browsers
        for channel in world.wanted(browser)
        if browser.state.received.get(channel, [])[-1:] != [world.published[channel]]
    ]


async def publish_last(world: World) -> bool:
    """Publish once more; return whether everybody received it, and nobody a gap in its place.

    A loaded machine loses a link, or replaces a master, also when no fault is caused.
    """
    lengths = {
        (browser, channel): len(received)
        for browser in world.browsers
        for channel, received in browser.state.received.items()
    }

    def silent() -> list[object]:
        return [
            (browser.transport, channel, received[-3:], world.published[channel])
            for browser, channel in without_the_last(world)
            for received in [browser.state.received.get(channel, [])]
            if ClientState.GAP not in received[lengths.get((browser, channel), 0) :]
        ]

    await asyncio.to_thread(world.publish_everywhere)
    await wait_until_empty(silent)
    return not without_the_last(world)


def breaks(received: list[Any]) -> list[tuple[object, object]]:
    """List where numbers do not follow one another, without a gap between them."""
    pairs = pairwise(received)
    return [(a, b) for a, b in pairs if ClientState.GAP not in (a, b) and b != a + 1]


def without_states(received: list[Any]) -> list[Any]:
    """Leave out the number directly behind each gap, on a channel with ``"state": "latest"``.

    The gap brings the newest publication that this master has. It may be one that the client had
    received. Publications that a former master had alone are missing before it or after it.
    """
    behind = zip(received, [0, *received], strict=False)
    return [one for one, before in behind if one == ClientState.GAP or before != ClientState.GAP]


def steps_back(received: list[Any]) -> int:
    """Count numbers that are not above the one before.

    After a gap that is right where a former master, or a replica that lacks the end, has become
    the master: its newest publication is an older one.
    """
    numbers = [number for number in received if number != ClientState.GAP]
    return sum(b <= a for a, b in pairwise(numbers))


def needless_gaps(received: list[Any]) -> int:
    """Count gaps, one or more in a row, between numbers that follow one another."""
    at = [place for place, number in enumerate(received) if number != ClientState.GAP]
    return sum(b > a + 1 and received[b] == received[a] + 1 for a, b in pairwise(at))


async def run_and_check(world: World, plan: Plan) -> None:
    await wait_until_empty(lambda: not_welcomed(world))
    await run_rounds(world, plan)
    await asyncio.to_thread(world.publish_everywhere)
    await wait_until_up_to_date(world)
    for _ in range(LAST_TIMES):
        if await publish_last(world):
            break
    assert without_the_last(world) == []
    replacements = await asyncio.to_thread(world.store.replacements)
    for browser in world.browsers:
        assert (browser.state.duplicates, browser.state.holes) == (0, 0), browser.transport
        for channel, received in browser.state.received.items():
            own = without_states(received) if channel in world.public else received
            assert breaks(own) == [], channel
            assert steps_back(own) <= replacements, (channel, received)


def without_effect(world: World, plan: Plan) -> list[str]:
    """List the faults that were left out, though there was time, or that had no effect."""
    is_long = plan.rounds >= len(plan.faults)
    return [
        fault.name
        for fault in plan.faults
        if (is_long or world.happened[fault.name])
        if not (world.happened[fault.name] and world.effects[fault.effect])
    ]


def summary(world: World, seconds: float) -> str:
    """Return the figures of a run."""
    states = [browser.state for browser in world.browsers]
    sequences = [received for state in states for received in state.received.values()]
    welcomes = sum(browser.times_welcomed for browser in world.browsers)
    gaps = sum(received.count(ClientState.GAP) for received in sequences)
    losses = sum(len(breaks(without_states(received))) for received in sequences)
    return (
        f"{sum(world.published.values())} publications on {len(world.channels)} channels, "
        f"{len(states)} browsers welcomed {welcomes} times, "
        f"{len(sequences)} sequences of {sum(map(len, sequences)) - gaps} publications received, "
        f"{gaps} gaps ({sum(map(needless_gaps, sequences))} where nothing was missing), "
        f"{losses} losses without a gap, "
        f"{sum(state.holes for state in states)} holes, "
        f"{sum(state.duplicates for state in states)} duplicates, "
        f"{seconds:.0f} seconds; {dict(world.happened)}; {dict(world.effects)}"
    )


@asynccontextmanager
async def connected(browsers: list[Browser]) -> AsyncIterator[None]:
    """Keep browsers connecting and reconnecting meanwhile."""
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
    """Run a plan in a world with a seed."""

    async def run(seed, size, plan, new_store=Alone) -> World:
        store = await asyncio.to_thread(new_store, tmp_path)
        try:
            async with open_chromium() as context:
                world = await asyncio.to_thread(World, tmp_path, Random(seed), size, store, context)
                await run_in_world(world, plan)
        finally:
            await asyncio.to_thread(store.stop)
        return world

    return run


async def run_in_world(world: World, plan: Plan) -> None:
    began_at = monotonic()
    kinds = Counter(
        str(getattr(browser.transport, "__name__", browser.transport)) for browser in world.browsers
    )
    print(dict(kinds))
    try:
        async with connected(world.browsers):
            await run_and_check(world, plan)
    finally:
        await asyncio.to_thread(world.stop)
        world.count()
        print(summary(world, monotonic() - began_at))
    assert without_effect(world, plan) == []


BRIEF = {"publications": (1, 40), "pause_s": 0.15}


@pytest.mark.parametrize(
    ("seed", "size", "faults"),
    [
        pytest.param(1, SMALL, (*COMMON, *RARE, *HEAVY), id="gateways"),
        pytest.param(1, SEQUENCED, (*COMMON, *RARE, *HEAVY), id="without_plain"),
        pytest.param(2, SMALL, (*COMMON, *LONG, *OF_REDIS), id="redis"),
    ],
)
async def test_every_sequence_is_complete_or_has_a_gap(run, seed, size, faults):
    await run(seed, size, Plan(len(faults), faults=faults, **BRIEF))


async def test_every_sequence_is_complete_or_has_a_gap_where_a_master_was_lost(run):
    faults = (CUT, FAIL_OVER, LOSE_END)
    await run(3, FEW, Plan(len(faults), faults=faults, **BRIEF), Followed)


async def test_every_sequence_is_complete_or_has_a_gap_where_slots_move_and_primaries_die(run):
    faults = (CUT, *OF_SHARDS)
    await run(5, FEW, Plan(len(faults), faults=faults, **BRIEF), Sharded)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(30, 32))
async def test_every_sequence_is_complete_through_many_moves_and_deaths(run, seed):
    faults = (*COMMON[:2], *OF_SHARDS * 2)
    await run(seed, FEW, Plan(40, faults=faults, **BRIEF), Sharded)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 14))
async def test_every_sequence_is_complete_for_longer(run, seed):
    faults = (*COMMON * 12, *RARE * 3, *HEAVY, *LONG, FREEZE_WORKER, *OF_REDIS)
    await run(seed, SMALL, Plan(150, faults=faults, **BRIEF))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20, 22))
async def test_every_sequence_is_complete_through_many_masters(run, seed):
    faults = (*COMMON * 2, *RARE, *OF_A_MASTER)
    await run(seed, SMALL, Plan(40, faults=faults, **BRIEF), Followed)


@pytest.mark.soak
async def test_every_sequence_of_many_browsers_is_complete_through_all_faults(run):
    rounds = int(os.environ.get("ORACLE_ROUNDS", "130"))
    long = (*LONG, FREEZE_WORKER)
    faults = (*COMMON * 14, *RARE * 4, *HEAVY * 4, *long * 3, *OF_REDIS)
    plan = Plan(rounds, publications=(700, 900), pause_s=0.5, faults=faults)
    world = await run(4, LARGE, plan)
    assert sum(world.published.values()) >= 770 * rounds
