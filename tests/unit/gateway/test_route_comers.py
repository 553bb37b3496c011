"""Who comes back at any moment of a channel's life, whatever is being read just then."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.recovery import Reading
from gateway.wire.publication import Publication

from .test_route import GAP, Guest, flowing, heard, say, visitor

STEPS = ("publish", "miss", "lose", "trim", "epoch", "ask", "answer")
COMINGS = st.tuples(st.just("come"), st.integers(0, 5))
steps = st.lists(st.one_of(st.sampled_from(STEPS), COMINGS), max_size=40)
END = ["ask", "answer", "publish", "ask", "answer", "ask", "answer"]


class Play:
    """Redis, its history, the link and browsers that come back, played out.

    ``numbers`` tells which publication, counted through all epochs, has which position.
    """

    def __init__(self) -> None:
        self.route, _ = flowing()
        self.epoch, self.offset = "e", 0
        self.numbers = {("e", 0): 0}
        self.history: list[Publication] = []
        self.answer: Reading | None = None
        self.comers: list[tuple[Guest, object]] = []

    def publish(self) -> None:
        say(self.route, self._append())

    def miss(self) -> None:
        self._append()
        self.route.lose()

    def lose(self) -> None:
        self.route.lose()

    def trim(self) -> None:
        self.history = self.history[-1:]

    def begin_epoch(self) -> None:
        number = self.numbers[self.epoch, self.offset]
        self.epoch, self.offset, self.history = self.epoch + "x", 0, []
        self.numbers[self.epoch, 0] = number

    def ask(self) -> None:
        question = self.route.question() if self.route.is_held and self.answer is None else None
        if question:
            first = self.offset if question.after is None else question.after
            recent = tuple(kept for kept in self.history if kept.offset > first)
            self.answer = Reading((self.epoch, self.offset), recent)

    def settle(self) -> None:
        if self.answer is not None:
            self.route.settle(self.answer)
            self.answer = None

    def come(self, ago: int) -> None:
        positions = list(self.numbers)
        guest, connection = Guest(positions[max(len(positions) - 1 - ago, 0)]), visitor()
        self.comers.append((guest, connection))
        self.route.admit(connection, guest)

    def _append(self) -> Publication:
        number = self.numbers[self.epoch, self.offset] + 1
        self.offset += 1
        self.numbers[self.epoch, self.offset] = number
        publication = Publication(b"%d" % number, self.epoch, self.offset)
        self.history.append(publication)
        return publication


@given(steps)
@example(["publish", "publish", "lose", "ask", ("come", 2), "answer"])
@example(["miss", "ask", "publish", ("come", 0)])
@example(["publish", "epoch", "publish", "lose", "ask", ("come", 1), "answer"])
def test_who_comes_back_is_given_all_or_told(steps):
    play = Play()
    acts = {"epoch": play.begin_epoch, "answer": play.settle}
    for step in [*steps, *END]:
        if isinstance(step, tuple):
            play.come(step[1])
        else:
            acts.get(step, getattr(play, step, None))()
    for guest, connection in play.comers:
        ((position, is_recovered),) = guest.told
        seen = [play.numbers[position], *heard(connection)]
        pairs = pairwise(seen)
        assert all(GAP in pair or pair[1] == pair[0] + 1 for pair in pairs)
        assert seen[-1] in (play.numbers[play.epoch, play.offset], GAP)
        assert is_recovered or "trim" in steps or "epoch" in steps
