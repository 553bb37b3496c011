"""The order of one channel, whatever is lost, late, read twice or told again."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connection import Connection, Identity, State
from gateway.errors import BrokerUnavailable
from gateway.newcomers import Unasked
from gateway.recovery import Question, Reading
from gateway.route import Route
from gateway.wire.namespaces import Policy
from gateway.wire.publication import Publication

from .fakes import new_connection

GAP = "gap"


class Guest(Unasked):
    """A newcomer who writes down what he is told."""

    def __init__(self, since=None, room_bytes: int = 10_000) -> None:
        self.since = since
        self.room_bytes = room_bytes
        self.told: list[object] = []

    def welcome(self, standing, missed_bytes: int) -> None:
        self.told.append((standing.position, standing.is_recovered))

    def turn_away(self, error) -> None:
        self.told.append(error)

    def forget(self) -> None:
        self.told.append("forgotten")


def new_route(recover: bool = True, held_limit_bytes: int = 1000) -> Route:
    return Route("room:7", Policy(recover=recover), held_limit_bytes)


def visitor() -> Connection:
    connection = new_connection()
    connection.enter(State.CHECKING)
    connection.welcome(Identity("sid", None, (), None), b"{}")
    connection.transport.batches.clear()
    return connection


def pub(offset: int, epoch: str = "e") -> Publication:
    return Publication(b"%d" % offset, epoch, offset)


def plain(text: str) -> Publication:
    return Publication(json.dumps(text).encode())


def read(last: int, first: int = 1, epoch: str = "e") -> Reading:
    recent = tuple(pub(offset, epoch) for offset in range(first, last + 1))
    return Reading((epoch, last), recent)


def say(route: Route, *publications: Publication) -> None:
    for frame in filter(None, map(route.take, publications)):
        for connection in route.connections:
            connection.send(frame)


def heard(connection: Connection) -> list:
    frames = map(json.loads, connection.transport.frames)
    return [GAP if frame.get("type") == "gap" else frame["data"] for frame in frames]


def flowing(last: int = 0, **options) -> tuple[Route, Connection]:
    """A route that stands at an offset, and who hears it."""
    route, connection = new_route(**options), visitor()
    route.hold()
    route.admit(connection, Guest())
    route.question()
    route.settle(read(last, first=last + 1))
    return route, connection


def test_route_asks_only_where_the_channel_stands_for_who_recovers_nothing():
    route = new_route()
    route.hold()
    route.admit(visitor(), Guest())
    assert route.question() == Question("room:7", None, None)


def test_newcomer_hears_where_the_channel_stands_and_what_follows():
    route, guest, connection = new_route(), Guest(), visitor()
    route.hold()
    assert not route.admit(connection, guest)
    route.question()
    say(route, pub(3))
    assert route.settle(read(2)) == [connection]
    assert guest.told == [(("e", 2), None)]
    assert heard(connection) == [3]


def test_who_comes_back_is_given_what_he_missed_and_no_more():
    route, _ = flowing(last=5)
    guest, connection = Guest(since=("e", 3)), visitor()
    assert not route.admit(connection, guest)
    assert route.question() == Question("room:7", ("e", 5), 3)
    say(route, pub(6), plain("plain"), pub(7))
    route.settle(read(6))
    assert guest.told == [(("e", 3), True)]
    assert heard(connection) == [4, 5, 6, "plain", 7]


def test_who_comes_back_during_a_reading_that_was_not_for_him_waits_for_the_next():
    route, guests = flowing(last=5)[0], [Guest(("e", 5)), Guest(("e", 1))]
    first, second = visitor(), visitor()
    route.lose()
    route.question()
    route.admit(first, guests[0])
    route.admit(second, guests[1])
    assert route.settle(read(6, first=6)) == [first]
    assert route.is_held
    assert route.question() == Question("room:7", ("e", 6), 1)
    say(route, pub(7))
    assert route.settle(read(6)) == [second]
    assert guests[1].told == [(("e", 1), True)]
    assert heard(second) == [2, 3, 4, 5, 6, 7]
    assert heard(first) == [6, 7]


def test_who_comes_back_while_only_the_position_is_read_waits_for_the_next():
    route, guest, connection = new_route(), Guest(("e", 1)), visitor()
    route.hold()
    route.admit(visitor(), Guest())
    route.question()
    route.admit(connection, guest)
    route.settle(Reading(("e", 3)))
    assert route.question() == Question("room:7", ("e", 3), 1)
    route.settle(read(3))
    assert guest.told == [(("e", 1), True)]
    assert heard(connection) == [2, 3]


def test_those_who_stayed_hear_everything_once_while_another_recovers():
    route, stayed = flowing(last=5)
    route.admit(visitor(), Guest(since=("e", 0)))
    route.question()
    say(route, pub(6), pub(7))
    route.settle(read(6))
    say(route, pub(8))
    assert heard(stayed) == [6, 7, 8]


@pytest.mark.parametrize("since", [None, ("e", 5)])
def test_who_missed_nothing_needs_no_reading(since):
    route, _ = flowing(last=5)
    guest = Guest(since)
    assert route.admit(visitor(), guest)
    assert guest.told == [(("e", 5), None if since is None else True)]
    assert not route.is_held


@pytest.mark.parametrize(
    ("since", "reading"),
    [
        pytest.param(("other", 3), read(5), id="another epoch"),
        pytest.param(("e", 1), read(5, first=4), id="too long ago"),
        pytest.param(("e", 9), read(5), id="the future"),
        pytest.param(("e", 1), Reading(None), id="no epoch"),
    ],
)
def test_who_cannot_recover_is_told_and_goes_on_from_now(since, reading):
    route, guest, connection = new_route(), Guest(since), visitor()
    route.hold()
    route.admit(connection, guest)
    route.question()
    route.settle(reading)
    assert guest.told == [(reading.position, False)]
    assert heard(connection) == []


def test_more_than_there_is_room_for_is_not_given():
    route, guest, connection = new_route(), Guest(("e", 0), room_bytes=60), visitor()
    route.hold()
    route.admit(connection, guest)
    route.question()
    route.settle(read(9))
    assert guest.told == [(("e", 9), False)]
    assert heard(connection) == []


def test_hole_is_filled_before_the_flow_goes_on():
    route, connection = flowing(last=1)
    say(route, pub(2), pub(5), plain("late"), pub(6))
    assert heard(connection) == [2]
    assert route.question() == Question("room:7", ("e", 6), 2)
    route.settle(read(6))
    assert heard(connection) == [2, 3, 4, 5, 6, "late"]


def test_hole_that_cannot_be_filled_is_told_where_it_is():
    route, connection = flowing(last=1)
    say(route, pub(2), pub(5), pub(6))
    route.question()
    say(route, pub(7))
    route.settle(read(6, first=6))
    assert heard(connection) == [2, GAP, 7]
    assert json.loads(connection.transport.frames[1])["offset"] == 6


def test_publication_heard_twice_is_given_once():
    route, connection = flowing(last=1)
    say(route, pub(2), pub(2), pub(1), pub(3))
    route.question()
    route.settle(read(3))
    say(route, pub(4))
    assert not route.is_held
    assert heard(connection) == [2, 3, 4]


def test_what_the_reading_held_is_dropped_when_it_is_heard():
    route, connection = flowing(last=1)
    say(route, pub(3))
    route.question()
    route.settle(read(5))
    say(route, pub(4), pub(5), pub(6))
    assert not route.is_held
    assert heard(connection) == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("before", [(pub(6), pub(7), pub(8)), (pub(4), pub(5))])
def test_offset_that_is_given_again_is_told_at_once(before):
    """Another server took over, without the last publications."""
    route, connection = flowing(last=5)
    say(route, *before, pub(5))
    assert route.question().seen == max(("e", 5), (before[-1].epoch, before[-1].offset))
    route.settle(read(5, epoch="new"))
    assert heard(connection)[-1] == GAP
    assert route.position == ("new", 5)


def test_reading_that_knows_nothing_of_it_yet_is_not_asked_again():
    route, connection = flowing(last=5)
    say(route, pub(6), pub(7), pub(6))
    route.question()
    route.settle(read(7))
    assert not route.is_held
    assert heard(connection) == [6, 7]


def test_step_back_of_a_channel_without_recovery_goes_on():
    route, connection = flowing(recover=False)
    say(route, pub(2), pub(1))
    assert heard(connection) == [2, 1]


def test_what_waits_while_recovery_is_taken_away_is_given():
    route, connection = flowing(last=5)
    route.obey(Policy(recover=False))
    say(route, pub(6))
    route.question()
    route.settle(None)
    assert heard(connection) == [6]


def test_epoch_that_begins_while_the_link_stands_is_gone_on_with():
    route, connection = flowing(last=5)
    say(route, pub(6), pub(1, "new"), pub(2, "new"))
    assert not route.is_held
    assert heard(connection) == [6, 1, 2]
    named = [json.loads(frame).get("epoch") for frame in connection.transport.frames]
    assert named == [None, "new", None]


def test_epoch_that_begins_where_something_is_missing_is_told():
    route, connection = flowing(last=5)
    say(route, pub(6), pub(2, "new"))
    route.question()
    route.settle(read(2, first=3, epoch="new"))
    assert heard(connection) == [6, GAP]


def test_epoch_that_may_begin_with_what_is_replaced_is_told():
    policy = Policy(overflow="latest")
    route, connection = flowing(last=5)
    route.obey(policy)
    say(route, pub(6), pub(1, "new"))
    route.question()
    route.settle(read(1, epoch="new"))
    assert heard(connection) == [6, GAP]


def test_epoch_known_from_a_reading_alone_is_told_when_it_ends():
    route, connection = flowing(last=5)
    say(route, pub(1, "new"))
    assert route.question() == Question("room:7", ("e", 5), 5)
    route.settle(read(1, epoch="new"))
    say(route, pub(2, "new"))
    assert heard(connection) == [GAP, 2]
    assert json.loads(connection.transport.frames[0])["epoch"] == "new"


def test_late_word_of_an_epoch_that_is_over_is_dropped():
    route, connection = flowing(last=0)
    say(route, pub(9, "old"))
    for _ in range(2):
        route.question()
        route.settle(read(0))
    assert not route.is_held
    assert heard(connection) == []


def test_epoch_that_began_after_the_reading_is_read_again():
    route, connection = flowing(last=5)
    route.lose()
    route.question()
    say(route, pub(1, "new"))
    route.settle(read(5))
    assert route.is_held
    route.question()
    route.settle(read(1, epoch="new"))
    assert GAP in heard(connection)
    assert route.position == ("new", 1)


def test_gaps_are_counted_by_cause_for_each_who_is_told():
    gaps: Counter[str] = Counter()
    route = Route("room:7", Policy(), 1000, gaps)
    route.hold()
    for since in (None, ("old", 1), ("e", 1), ("e", 3)):
        route.admit(visitor(), Guest(since, room_bytes=0))
    route.question()
    route.settle(read(4, first=3))
    assert gaps == {"epoch": 1, "history": 1, "size": 1}
    say(route, plain("p"))
    route.lose()
    route.question()
    route.settle(read(4, first=3))
    assert gaps["plain"] == 4


@pytest.mark.parametrize(
    ("recover", "before", "told"),
    [
        pytest.param(True, (pub(6),), [6, 7], id="sequenced: filled"),
        pytest.param(True, (plain("p"),), ["p", 6, 7, GAP], id="both: filled and told"),
        pytest.param(False, (plain("p"),), ["p", GAP], id="without history: told"),
    ],
)
def test_lost_link_is_filled_or_told(recover, before, told):
    route, connection = flowing(last=5, recover=recover)
    say(route, *before)
    route.lose()
    route.question()
    route.settle(read(7) if recover else None)
    assert heard(connection) == told


def test_reading_from_before_the_loss_settles_nothing():
    route, connection = flowing(last=5)
    route.admit(visitor(), Guest(("e", 1)))
    route.question()
    route.lose()
    assert route.settle(read(5)) == []
    assert route.is_held
    route.question()
    route.settle(read(6))
    assert heard(connection) == [6]


def test_reading_of_a_route_that_flows_again_settles_nothing():
    route, connection = flowing(last=5)
    say(route, pub(6))
    assert route.settle(read(5)) == []
    say(route, pub(7))
    assert heard(connection) == [6, 7]


def test_what_waits_is_bounded_and_what_did_not_fit_is_told_or_read_again():
    route, connection = flowing(last=1, held_limit_bytes=10)
    say(route, pub(3), plain("x" * 20), pub(4))
    route.question()
    route.settle(read(4))
    assert heard(connection) == [2, 3, 4, GAP]


def test_newcomers_are_turned_away_when_nothing_can_be_read():
    route, connection = flowing(last=5)
    guest, error = Guest(("e", 1)), BrokerUnavailable("away")
    other = visitor()
    route.admit(other, guest)
    say(route, pub(6))
    assert route.give_up(error) == [other]
    assert guest.told == [error]
    assert not route.is_held
    assert heard(connection) == [6]


def test_hole_stays_held_while_nothing_can_be_read():
    route, connection = flowing(last=5)
    say(route, pub(9))
    route.give_up(BrokerUnavailable("away"))
    assert route.is_held
    assert heard(connection) == []


def test_who_leaves_while_he_waits_is_forgotten():
    route, guest, connection = new_route(), Guest(), visitor()
    route.hold()
    route.admit(connection, guest)
    route.remove(connection)
    assert route.is_empty
    assert guest.told == ["forgotten"]


def test_channel_without_recovery_gives_no_offsets():
    route, connection = flowing(recover=False)
    say(route, pub(1), pub(5))
    assert [json.loads(frame) for frame in connection.transport.frames] == [
        {"channel": "room:7", "data": 1},
        {"channel": "room:7", "data": 5},
    ]


steps = st.lists(
    st.sampled_from(["publish", "miss", "late", "again", "lose", "trim", "ask", "answer", "epoch"]),
    max_size=40,
)


@given(steps)
def test_whatever_happens_order_is_kept_and_gaps_are_told(steps):
    """Redis, its history and the link, played out; the oracle is the numbers themselves."""
    route, connection = flowing()
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
                say(route, *late, publication)
                late.clear()
            else:
                late.clear()
                route.lose()
        elif step == "again" and history:
            say(route, *late, history[-1])
            late.clear()
        elif step == "lose":
            route.lose()
            late.clear()
        elif step == "trim":
            history = history[-1:]
        elif step == "epoch":
            epoch, offset, history = epoch + "x", 0, []
        elif step == "ask" and route.is_held and answer is None:
            route.question()
            answer = Reading((epoch, offset), tuple(history))
        elif step == "answer" and answer is not None:
            route.settle(answer)
            answer = None
    assert not route.is_held
    seen = heard(connection)
    numbers = [entry for entry in seen if entry != GAP]
    assert numbers == sorted(set(numbers))
    pairs = zip([0, *seen], seen, strict=False)
    assert all(GAP in pair or pair[1] == pair[0] + 1 for pair in pairs)
    assert seen == [] or seen[-1] in (number, GAP)
