"""Redis, its history and the link, played out at random: the order of a channel holds."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from sockgate_gateway.channels.history import HistoryReply
from sockgate_gateway.wire.publication import Publication

from tests.unit.gateway.channels.single_channel import (
    GAP,
    RecordedJoin,
    live_channel,
    publish,
    received,
    subscriber,
)

steps = st.lists(
    st.sampled_from(["publish", "miss", "late", "again", "lose", "trim", "ask", "answer", "epoch"]),
    max_size=40,
)


@given(steps)
def test_order_is_kept_and_every_hole_is_a_gap(steps):
    """Redis, its history and the link, played out; the oracle is the numbers themselves."""
    channel, connection = live_channel()
    history: list[Publication] = []
    epoch, offset, number, answer, late = "e", 0, 0, None, []
    for step in [*steps, "ask", "answer", "publish", "ask", "answer", "ask", "answer"]:
        if step in ("publish", "miss", "late"):
            offset, number = offset + 1, number + 1
            publication = Publication(b"%d" % number, epoch, offset)
            history.append(publication)
            if step == "late":
                late.append(publication)
            elif step == "publish":
                publish(channel, *late, publication)
                late.clear()
            else:
                late.clear()
                channel.link_lost()
        elif step == "again" and history:
            publish(channel, *late, history[-1])
            late.clear()
        elif step == "lose":
            channel.link_lost()
            late.clear()
        elif step == "trim":
            history = history[-1:]
        elif step == "epoch":
            epoch, offset, history = epoch + "x", 0, []
        elif step == "ask" and not channel.is_live and answer is None:
            channel.history_request()
            answer = HistoryReply((epoch, offset), tuple(history))
        elif step == "answer" and answer is not None:
            channel.apply_history(answer)
            answer = None
    assert channel.is_live
    seen = received(connection)
    numbers = [entry for entry in seen if entry != GAP]
    assert numbers == sorted(set(numbers))
    pairs = zip([0, *seen], seen, strict=False)
    assert all(GAP in pair or pair[1] == pair[0] + 1 for pair in pairs)
    assert seen == [] or seen[-1] in (number, GAP)


STEPS = ("publish", "miss", "lose", "trim", "epoch", "takeover", "ask", "answer")
JOINS = st.tuples(st.just("join"), st.integers(0, 5))
NEWCOMERS = st.tuples(st.just("newcomer"), st.sampled_from([0, 1, 2, 2**53]))
steps_with_joins = st.lists(st.one_of(st.sampled_from(STEPS), JOINS, NEWCOMERS), max_size=40)
END = ["ask", "answer", "publish", "ask", "answer", "ask", "answer"]


class Scene:
    """Redis, its history, the link and joins, played out.

    ``numbers`` holds the number of each position, counted through all epochs.
    """

    def __init__(self, state: str = "none") -> None:
        self.channel, self.stayed = live_channel(state=state)
        self.state_count = 1 if state == "latest" else 0
        self.epoch, self.offset = "e", 0
        self.numbers = {("e", 0): 0}
        self.history: list[Publication] = []
        self.answer: HistoryReply | None = None
        self.kept = 0
        self.has_other_server = False
        self.joins: list[tuple[RecordedJoin, object]] = []
        self.newcomers: list[tuple[RecordedJoin, object]] = []

    def publish(self) -> None:
        publish(self.channel, self._append())

    def miss(self) -> None:
        self._append()
        self.channel.link_lost()

    def lose(self) -> None:
        self.channel.link_lost()

    def trim(self) -> None:
        self.history = self.history[-1:]

    def begin_epoch(self) -> None:
        number = self.numbers[self.epoch, self.offset]
        self.epoch, self.offset, self.history = self.epoch + "x", 0, []
        self.numbers[self.epoch, 0] = number

    def take_over(self) -> None:
        self.has_other_server = True
        self.channel.link_lost()

    def ask(self) -> None:
        is_due = not self.channel.is_live and self.answer is None
        request = self.channel.history_request() if is_due else None
        if request:
            self.answer = HistoryReply(*self._read(request.after))
            self.kept = len(self.history)

    def answer_request(self) -> None:
        if self.answer is not None:
            waiting = [join for join, _ in self.newcomers if not join.outcomes]
            self.channel.apply_history(self.answer)
            for join in waiting:
                if join.outcomes:
                    self._check_newcomer(join, self.answer.position)
            self.answer = None

    def _read(self, after: int | None) -> tuple:
        """Read as history.lua does."""
        if self.has_other_server:
            self._begin_epoch_at_the_end()
            after = None if after is None else min(after, -1)
        first = self.offset if after is None else self.offset + after if after < 0 else after
        recent = tuple(kept for kept in self.history if kept.offset > first)
        return (self.epoch, self.offset), recent

    def _begin_epoch_at_the_end(self) -> None:
        before, self.epoch, self.has_other_server = self.epoch, self.epoch + "y", False
        for (epoch, offset), number in list(self.numbers.items()):
            if epoch == before:
                self.numbers[self.epoch, offset] = number
        self.history = [Publication(it.payload, self.epoch, it.offset) for it in self.history]

    def _check_newcomer(self, join: RecordedJoin, last: tuple) -> None:
        """A newcomer begins before the newest publications that were kept when it was answered."""
        count = min(join.newest or self.state_count, self.kept)
        assert join.outcomes == [((last[0], last[1] - count), True if join.newest else None)]

    def newcomer(self, newest: int) -> None:
        join, connection = RecordedJoin(newest=newest), subscriber()
        self.newcomers.append((join, connection))
        if self.channel.subscribe(connection, join):
            assert join.outcomes == [(self.channel.position, None)]
            assert not (newest or self.state_count)

    def join(self, ago: int) -> None:
        positions = list(self.numbers)
        join, connection = RecordedJoin(positions[max(len(positions) - 1 - ago, 0)]), subscriber()
        self.joins.append((join, connection))
        self.channel.subscribe(connection, join)

    def _append(self) -> Publication:
        number = self.numbers[self.epoch, self.offset] + 1
        self.offset += 1
        self.numbers[self.epoch, self.offset] = number
        publication = Publication(b"%d" % number, self.epoch, self.offset)
        self.history.append(publication)
        return publication


@given(steps_with_joins)
@example(["publish", "publish", "lose", "ask", ("join", 2), "answer"])
@example(["miss", "ask", "publish", ("join", 0)])
@example(["publish", "epoch", "publish", "lose", "ask", ("join", 1), "answer"])
def test_every_join_receives_all_that_it_missed_or_a_gap(steps):
    scene = played(steps)
    for join, connection in scene.joins:
        ((position, is_recovered),) = join.outcomes
        seen = [scene.numbers[position], *received(connection)]
        pairs = pairwise(seen)
        assert all(GAP in pair or pair[1] == pair[0] + 1 for pair in pairs)
        assert seen[-1] in (scene.numbers[scene.epoch, scene.offset], GAP)
        assert is_recovered or {"trim", "epoch", "takeover"} & set(steps)


@given(steps_with_joins, st.sampled_from(["none", "latest"]))
@example(["publish", ("newcomer", 0), "ask", "answer"], "latest")
@example(["publish", "publish", "lose", "ask", ("newcomer", 2), "publish", "answer"], "none")
@example(["publish", "publish", "takeover", ("newcomer", 2), ("join", 0)], "latest")
@example(["publish", "miss", "trim", "epoch"], "latest")
def test_every_newcomer_receives_the_newest_then_all_or_a_gap(steps, state):
    scene = played(steps, state)
    for join, connection in scene.newcomers:
        ((position, _),) = join.outcomes
        seen = [scene.numbers[position], *received(connection)]
        assert all(GAP in pair or pair[1] == pair[0] + 1 for pair in pairwise(seen))
        assert seen[-1] in (scene.numbers[scene.epoch, scene.offset], GAP)


@given(steps_with_joins)
@example(["publish", "takeover"])
@example(["publish", ("join", 0), "epoch", "miss", "miss"])
def test_connection_knows_the_state_after_every_gap(steps):
    scene = played(steps, "latest", end=["ask", "answer", "ask", "answer"])
    number = scene.numbers[scene.epoch, scene.offset]
    joined = [(scene.numbers[join.since], connection) for join, connection in scene.joins]
    for known, connection in [(0, scene.stayed), *joined]:
        numbers = [known, *(entry for entry in received(connection) if entry != GAP)]
        assert numbers[-1] == number or not scene.history


def played(steps: list, state: str = "none", end: list[str] = END) -> Scene:
    scene = Scene(state)
    acts = {
        "epoch": scene.begin_epoch,
        "answer": scene.answer_request,
        "takeover": scene.take_over,
    }
    for step in [*steps, *end]:
        if isinstance(step, tuple):
            getattr(scene, step[0])(step[1])
        else:
            acts.get(step, getattr(scene, step, None))()
    return scene
