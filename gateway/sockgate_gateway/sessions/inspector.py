"""Answers to the questions of Django: what this worker knows of a user, and why.

Strategy: an answer is made in one turn of the loop, from what is in memory. It is bounded: a user
has a few connections and a few records, and a worker answers ``PER_SECOND`` questions. A question
that was answered is not answered again, so nobody can spend the budget by repeating one.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sized
from time import time

import msgspec
from msgspec.structs import replace

from ..channels.hub import Hub
from ..connections.connection import Connection
from ..connections.journal import Journal
from ..connections.rate_limit import RateLimit
from ..connections.registry import Registry
from ..loop.hint_log import HintLog
from ..loop.timer_wheel import TimerWheel
from ..wire.documentation import address_of
from ..wire.errors import InspectionError
from ..wire.inspection import (
    MAX_ANSWER_BYTES,
    MAX_CHANNELS,
    MAX_CONNECTIONS,
    Answer,
    AskNow,
    AskWhy,
    Content,
    Ended,
    InspectionSigner,
    Missed,
    Now,
    OnChannel,
    Open,
    Question,
    Record,
    Recovered,
    Why,
    WorkerName,
    WorkerState,
)
from .watchers import Watchers

log = logging.getLogger("sockgate.broker")

PER_SECOND = 10.0
BURST_S = 2.0
MAX_REMEMBERED = 1024
"""Ids of questions: more than can be answered while a question is valid."""

_HINT = (
    "it needs a key of SOCKGATE_SIGNING_KEYS and a clock that agrees with that of Django; see "
    + address_of("operations.md#why-did-alice-not-get-it")
)


class Inspector:
    """Answer questions.

    Args:
        worker: this one.
        hub: has the channels.
        registry: has the connections.
        journal: remembers.
        signer: verifies questions, and signs answers.
        describe: says how the worker is.
        watchers: touch the pages that ask.
        wheel: has the clock of limits, and of ``Connection.opened_at``.
        clock: returns Unix seconds.
    """

    def __init__(
        self,
        worker: WorkerName,
        hub: Hub,
        registry: Registry,
        journal: Journal,
        signer: InspectionSigner,
        describe: Callable[[], WorkerState],
        watchers: Watchers,
        wheel: TimerWheel,
        clock: Callable[[], float] = time,
    ) -> None:
        self._worker = worker
        self._hub = hub
        self._registry = registry
        self._journal = journal
        self._signer = signer
        self._describe_worker = describe
        self._watchers = watchers
        self._wheel = wheel
        self._clock = clock
        self._budget = RateLimit(wheel, PER_SECOND, BURST_S)
        self._answered: OrderedDict[str, None] = OrderedDict()
        self._refusals = HintLog(log, "question_refused")

    def answer(self, text: str) -> tuple[str, bytes] | None:
        """Return the id of a signed question and the signed answer; None: it is not answered."""
        try:
            question = self._signer.read_question(text)
        except InspectionError as error:
            if self._refusals.is_due(error.cause, error.cause):
                self._refusals.warn("cause=%s", error.cause, hint=_HINT)
            return None
        if question.id in self._answered or not self._budget.take("questions"):
            return None
        self._answered[question.id] = None
        if len(self._answered) > MAX_REMEMBERED:
            self._answered.popitem(last=False)
        return question.id, self._signer.answer(self._answer(question))

    def _answer(self, question: Question) -> Answer:
        subject = question.subject
        if subject.watch:
            self._watchers.watch(subject.watch)
        content: Content = self._why(subject) if isinstance(subject, AskWhy) else self._now(subject)
        started_at = self._journal.started_at
        answer = Answer(question.id, self._worker, self._clock(), started_at, content)
        while len(msgspec.json.encode(answer)) > MAX_ANSWER_BYTES:
            content = _halved(content)
            answer = replace(answer, content=content)
        return answer

    def _why(self, asked: AskWhy) -> Why:
        journal = self._journal
        connections = sorted(self._registry.of_user(asked.uid), key=lambda one: one.opened_at)
        of_user = journal.of_user[asked.uid]
        channels = {asked.channel} if asked.channel else _channels_of(connections, of_user)
        found: list[Record] = [*of_user, *journal.of_worker]
        for channel in channels:
            found += journal.of_channel[channel]
        records = sorted((one for one in found if one.at >= asked.since), key=lambda one: one.at)
        opened = [self._describe(one, asked.channel, records) for one in connections]
        return Why(opened, records, dict(journal.unknown))

    def _now(self, asked: AskNow) -> Now:
        chosen: list[Connection] = []
        is_cut = False
        for uid in asked.uids:
            found = sorted(self._registry.of_user(uid), key=lambda one: -one.opened_at)
            chosen += found[:MAX_CONNECTIONS]
            is_cut = is_cut or len(found) > MAX_CONNECTIONS
        records = {one.uid or "": self._received(one) for one in chosen}
        opened = [self._describe(one, "", records[one.uid or ""]) for one in chosen]
        return Now(self._describe_worker(), opened, is_cut)

    def _received(self, connection: Connection) -> list[Record]:
        of_user, of_channel = self._journal.of_user, self._journal.of_channel
        found: list[Record] = [*of_user[connection.uid or ""]]
        for channel in connection.channels:
            found += of_channel[channel]
        return found

    def _describe(self, connection: Connection, channel: str, records: list[Record]) -> Open:
        names = [channel] if channel in connection.channels else connection.channels[:MAX_CHANNELS]
        transport = connection.transport
        opened_at = self._clock() - (self._wheel.clock() - connection.opened_at)
        received = [one for one in records if isinstance(one, Missed | Recovered)]
        mine = [one for one in received if one.connection == connection.id]
        return Open(
            connection.id,
            connection.uid or connection.claimed_uid,
            opened_at,
            transport.name,
            connection.address,
            transport.agent,
            is_held=connection.is_suspended,
            is_checked=connection.is_open,
            unsent_bytes=transport.unsent_bytes,
            gaps=sum(isinstance(one, Missed) for one in mine)
            + sum(_is_for(one, connection, opened_at) for one in received),
            recoveries=sum(isinstance(one, Recovered) for one in mine),
            channel_count=len(connection.channels),
            channels=tuple([self._on_channel(connection, name) for name in names]),
        )

    def _on_channel(self, connection: Connection, name: str) -> OnChannel:
        found = self._hub.result_of(name)
        is_pending = not self._hub.is_subscribed(connection, name) or not self._hub.is_live(name)
        return OnChannel(name, found.position, is_pending)


def _channels_of(connections: Iterable[Connection], records: Iterable[Record]) -> set[str]:
    found = {channel for connection in connections for channel in connection.channels}
    return found.union(*(one.channels for one in records if isinstance(one, Ended)))


def _is_for(record: Record, connection: Connection, opened_at: float) -> bool:
    """Return whether a gap of all connections was one of this connection, too."""
    return (
        isinstance(record, Missed)
        and not record.connection
        and record.channel in connection.channels
        and record.at >= opened_at
    )


def _halved(content: Content) -> Content:
    """Leave out the older half of the records; then half of the connections."""
    if isinstance(content, Now):
        kept = content.connections[: len(content.connections) // 2]
        return replace(content, connections=kept, is_cut=True)
    if content.records:
        return replace(content, records=content.records[_half(content.records) :], is_cut=True)
    return replace(content, connections=content.connections[_half(content.connections) :])


def _half(found: Sized) -> int:
    return (len(found) + 1) // 2
