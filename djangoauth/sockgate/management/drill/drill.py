"""The course of a drill: open the tabs, publish all the time, and do one thing after another."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

from django.core.management.base import CommandError

from ...client import ClientError, CredentialSource
from ...client.threads import in_thread
from .steps import Step, carry_out, title_of
from .tabs import Counted, Numbers, Tab
from .tally import Result, result_of

OPENING = 50
"""Tabs that connect at the same time when the drill begins."""
OPEN_S = 30.0
LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """What a drill does.

    Args:
        channel: on which the tabs count.
        url: of the gateway; empty: the site names it.
        rate: numbers a second.
        watch_s: for how long the tabs are watched after each step, at least.
        limit_s: how long the last tab may take to come back.
        steps: what happens; none: the tabs are only watched.
        run: a name that no other drill has.
    """

    channel: str
    url: str
    rate: float
    watch_s: float
    limit_s: float
    steps: Sequence[Step]
    run: str


Ask = Callable[[str], object]


async def drill(
    plan: Plan, sources: Sequence[CredentialSource], report: Callable[[str], object], ask: Ask
) -> list[Result]:
    """Carry a plan out, and return what each step did.

    Args:
        plan: what happens.
        sources: of tokens and grants, one for each tab.
        report: is told what happens now.
        ask: waits for a person, in a thread.

    Raises:
        CommandError: a tab cannot connect, nothing can be published, or a step cannot be done.
    """
    herd: Counter[int] = Counter()
    tabs = [Tab(Counted(source, herd), plan.url, plan.channel) for source in sources]
    counting: list[asyncio.Task[None]] = []
    try:
        counting = [asyncio.create_task(tab.count()) for tab in tabs]
        await _open(tabs, report)
        with Numbers(plan.channel, plan.rate, plan.run) as numbers:
            course = _Course(plan, tabs, numbers, herd)
            report(f"They receive {plan.rate:g} publications a second.")
            results = [await course.take("nothing", None)]
            for step in plan.steps:
                report(f"Now: {title_of(step)}")
                action = partial(in_thread, carry_out, step, ask)
                results.append(await course.take(title_of(step), action))
            return results
    finally:
        await asyncio.gather(*(tab.close() for tab in tabs))
        for task in counting:
            task.cancel()
        await asyncio.gather(*counting, return_exceptions=True)


async def _open(tabs: list[Tab], report: Callable[[str], object]) -> None:
    began = monotonic()
    for some in _batches(tabs):
        try:
            await asyncio.gather(*(tab.open(OPEN_S) for tab in some))
        except (ClientError, TimeoutError) as error:
            why = str(error) or f"no answer within {OPEN_S:.0f} s"
            raise CommandError(f"A tab cannot connect: {why}.") from error
    report(f"{len(tabs)} tabs are connected after {monotonic() - began:.1f} s.")


def _batches(tabs: list[Tab]) -> Iterator[list[Tab]]:
    for place in range(0, len(tabs), OPENING):
        yield tabs[place : place + OPENING]


class _Course:
    """One step after another, each watched until all tabs have what was published behind it."""

    def __init__(self, plan: Plan, tabs: list[Tab], numbers: Numbers, herd: Counter[int]) -> None:
        self._plan = plan
        self._tabs = tabs
        self._numbers = numbers
        self._herd = herd

    async def take(self, name: str, action: Callable[[], Awaitable[None]] | None) -> Result:
        self._herd.clear()
        now = monotonic()
        for tab in self._tabs:
            tab.tally.begin(now)
        if action is not None:
            await action()
        watched_until = monotonic() + self._plan.watch_s
        while monotonic() < watched_until:
            await self._look()
        target, ends = self._numbers.last + 1, watched_until + self._plan.limit_s
        while monotonic() < ends and not self._have_all(target):
            await self._look()
        tallies = [tab.tally for tab in self._tabs]
        now = monotonic()
        for tally in tallies:
            tally.pause(now)
        return result_of(name, tallies, target, self._herd)

    async def _look(self) -> None:
        await asyncio.sleep(LOOK_S)
        if self._numbers.error is not None:
            raise CommandError(f"Nothing can be published: {self._numbers.error}")

    def _have_all(self, target: int) -> bool:
        return all(not tab.tally.is_away and tab.tally.last >= target for tab in self._tabs)
