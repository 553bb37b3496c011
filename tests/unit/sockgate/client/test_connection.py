"""Connecting, reconnecting and closing: the decisions of the JavaScript client."""

import json

import pytest
from sockgate.client import Gap, IssuedGrant, Message, State, UserChanged
from sockgate.client.events import StateChanged

from tests.unit.sockgate.client.fakes import URL, Bench, Loop
from tests.vectors import VECTORS

CODES = [*VECTORS["close_codes"]["ours"], *VECTORS["close_codes"]["others"]]


@pytest.fixture
def bench(loop: Loop) -> Bench:
    bench = Bench(loop)
    bench.connect()
    return bench


def test_connect_frame_is_the_first_and_the_token_is_not_in_the_url(bench: Bench) -> None:
    bench.open()
    assert bench.urls == [URL]
    assert bench.sent == [{"type": "connect", "token": "T1"}]


def test_welcome_makes_the_state_connected(bench: Bench) -> None:
    bench.welcome()
    assert [change.state for change in bench.states] == [State.CONNECTING, State.CONNECTED]
    assert bench.core.user == "7"


def test_url_of_the_site_is_used_where_the_caller_names_none(loop: Loop) -> None:
    bench = Bench(loop, url="")
    bench.connect(token=None)
    bench.issue("T1", url="https://other.example/rt")
    assert bench.urls == ["https://other.example/rt"]


@pytest.mark.parametrize("case", CODES, ids=lambda case: case["code"])
def test_close_code_decides_as_in_the_vectors(bench: Bench, case: dict) -> None:
    bench.welcome()
    bench.lose(case["code"])
    state = State.WAITING if case["reconnect"] else State.CLOSED
    assert (bench.states[-1].state, bench.states[-1].code) == (state, case["code"])
    bench.advance(11)
    fetches = 2 if case["fresh_token"] else 1
    assert len(bench.fetches) == fetches
    is_opened_again = case["reconnect"] and not case["fresh_token"]
    assert len(bench.sockets) == (2 if is_opened_again else 1)


def test_refused_token_is_replaced_once(bench: Bench) -> None:
    bench.lose(4401)
    bench.advance(0.5)
    bench.issue("T2")
    bench.open()
    assert bench.sent[0]["token"] == "T2"
    bench.lose(4401)
    assert bench.states[-1] == StateChanged(State.CLOSED, 4401, "why")


def test_refused_token_that_names_a_time_is_replaced_again(bench: Bench) -> None:
    for token in ("T2", "T3", "T4"):
        bench.lose(4400, "token refused, come back in 12 s")
        assert bench.states[-1].state is State.WAITING
        bench.advance(15)
        bench.issue(token)
        bench.open()
        assert bench.sent[-1]["token"] == token


def test_failed_attempt_is_followed_by_another_whatever_its_code(bench: Bench) -> None:
    for attempt in range(1, 5):
        bench.lose(403)
        assert bench.states[-1].wait_s == min(0.5 * 2 ** (attempt - 1), 15)
        bench.advance(bench.states[-1].wait_s)
    assert len(bench.sockets) == 5


def test_token_is_used_until_most_of_its_lifetime_is_over(bench: Bench) -> None:
    bench.welcome(heartbeat=10_000)
    bench.loop.now = 3600 * 0.9 - 1
    bench.lose(1006)
    bench.advance(0.5)
    assert len(bench.fetches) == 1
    bench.welcome(heartbeat=10_000)
    bench.advance(2)
    bench.lose(1006)
    bench.advance(0.5)
    assert len(bench.fetches) == 2


@pytest.mark.parametrize(("is_final", "state"), [(True, State.CLOSED), (False, State.WAITING)])
def test_failed_token_ends_or_waits(loop: Loop, is_final: bool, state: State) -> None:
    bench = Bench(loop)
    bench.connect(token=None)
    bench.fail_token(401, is_final=is_final)
    assert (bench.states[-1].state, bench.states[-1].code) == (state, 401)


@pytest.mark.parametrize(("code", "wait_s"), [(3001, 1.5), (3002, 10.0), (3003, 4.5)])
def test_code_may_have_a_pace(bench: Bench, code: int, wait_s: float) -> None:
    bench.welcome()
    bench.lose(code)
    assert bench.states[-1].wait_s == wait_s


def test_connect_ends_the_wait(bench: Bench) -> None:
    bench.lose(1006)
    bench.connect(token=None)
    assert len(bench.sockets) == 2


def test_drain_frame_reconnects_at_a_random_moment(bench: Bench) -> None:
    bench.welcome()
    bench.deliver({"type": "drain", "within": 10})
    bench.advance(4.9)
    assert not bench.sockets[0].is_closed
    bench.advance(0.2)
    assert (bench.sockets[0].is_closed, len(bench.sockets)) == (True, 2)


def test_event_has_the_characters_of_its_frame(bench: Bench) -> None:
    bench.welcome()
    frame = {"channel": "user:7", "data": "x" * 100}
    bench.deliver(frame)
    assert bench.characters[-1] == len(json.dumps(frame))


def test_duplicates_are_dropped_and_holes_are_gaps(bench: Bench) -> None:
    bench.welcome(channels={"user:7": {"epoch": "k3", "offset": 42}})
    for offset in (43, 43, 45):
        bench.deliver({"channel": "user:7", "data": offset, "offset": offset})
    assert bench.events[-3:] == [
        Message("message", 43, "user:7", 43),
        Gap("user:7"),
        Message("message", 45, "user:7", 45),
    ]


def test_skipped_offset_is_no_gap_and_no_message(bench: Bench) -> None:
    bench.welcome(channels={"user:7": {"epoch": "k3", "offset": 42}})
    before = len(bench.events)
    bench.deliver({"type": "skipped", "channel": "user:7", "offset": 43})
    bench.deliver({"channel": "user:7", "data": 44, "offset": 44})
    bench.deliver({"type": "skipped", "channel": "user:7", "offset": 46})
    assert bench.events[before:] == [Message("message", 44, "user:7", 44), Gap("user:7")]


def test_reconnect_sends_positions(bench: Bench) -> None:
    bench.welcome(channels={"user:7": {"epoch": "k3", "offset": 42}})
    bench.deliver({"channel": "user:7", "data": 1, "offset": 43})
    bench.lose(1006)
    bench.advance(0.5)
    bench.open()
    assert bench.sent[0]["recover"] == {"user:7": ["k3", 43]}


def test_gap_after_a_reconnect_without_recovery(bench: Bench) -> None:
    bench.welcome(channels={"user:7": {"epoch": "k3", "offset": 42}})
    bench.reconnect(channels={"user:7": {"epoch": "k4", "offset": 0, "recovered": False}})
    assert bench.events[-1] == Gap("user:7")


def test_silent_connection_gets_a_ping_and_is_then_given_up(bench: Bench) -> None:
    bench.welcome(heartbeat=10)
    bench.advance(10)
    assert bench.sent[-1] == {"type": "ping"}
    bench.deliver({"type": "pong"})
    bench.advance(24.9)
    assert bench.states[-1].state is State.CONNECTED
    bench.advance(0.2)
    assert (bench.states[-1].state, bench.states[-1].code) == (State.WAITING, 3007)


def test_interrupted_and_resumed_are_states(bench: Bench) -> None:
    bench.welcome()
    bench.deliver({"type": "interrupted"}, {"type": "resumed"})
    assert [change.state for change in bench.states[-2:]] == [State.INTERRUPTED, State.CONNECTED]


def test_gateway_may_request_a_fresh_token(bench: Bench) -> None:
    bench.welcome(user=None)
    bench.deliver({"type": "refresh", "within": 10})
    bench.fail_token(503)
    bench.advance(1)
    bench.issue("T2")
    assert bench.sent[-1] == {"type": "refresh", "token": "T2"}
    bench.deliver({"type": "refreshed", "user": "7", "expires": None})
    assert bench.of(UserChanged) == [UserChanged("7", None)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "null",
        '{"type":"new"}',
        '{"type":"gap"}',
        '{"type":"subscribed","channel":7}',
        '{"type":"drain","within":"soon"}',
        '{"type":"drain","within":NaN}',
        '{"type":"drain","within":1e999}',
        f'{{"type":"drain","within":1{"0" * 400}}}',
        '{"type":7}',
        '{"type":"connected","channels":[],"heartbeat":"x"}',
        f'{{"type":"connected","heartbeat":1{"0" * 400}}}',
    ],
)
def test_unknown_message_is_ignored(bench: Bench, text: str) -> None:
    bench.welcome()
    bench.deliver(text)
    assert bench.connection.state is State.CONNECTED


PHASES = ("fetching", "opening", "greeting", "connected", "interrupted", "waiting")


def bring_to(bench: Bench, phase: str) -> None:
    bench.connect(token=None)
    if phase != "fetching":
        bench.issue("T1")
    if phase == "greeting":
        bench.open()
    if phase in ("connected", "interrupted"):
        bench.welcome()
    if phase == "interrupted":
        bench.deliver({"type": "interrupted"})
    if phase == "waiting":
        bench.lose(1006)


@pytest.mark.parametrize("phase", PHASES)
def test_closed_by_the_caller_the_client_stays_closed(loop: Loop, phase: str) -> None:
    bench = Bench(loop)
    bring_to(bench, phase)
    bench.close()
    bench.advance(1000)
    assert bench.states[-1] == StateChanged(State.CLOSED, 1000, "closed by the client")
    assert all(socket.is_closed is socket.was_open for socket in bench.sockets)
    assert loop.next_at() is None


@pytest.mark.parametrize("phase", PHASES[:3])
def test_phase_without_an_answer_ends(loop: Loop, phase: str) -> None:
    bench = Bench(loop)
    bring_to(bench, phase)
    bench.advance(20)
    waits = [change for change in bench.states if change.state is State.WAITING]
    assert (waits[0].code, waits[0].reason) == (0, "no answer in time")


def test_held_connection_waits_for_connect(bench: Bench) -> None:
    bench.welcome()
    bench.call(bench.connection.hold, "too slow")
    bench.advance(1000)
    assert (bench.states[-1].state, bench.states[-1].code) == (State.WAITING, 3004)
    bench.connect(token=None)
    assert len(bench.sockets) == 2


def test_connection_that_is_held_by_its_welcome_waits_for_connect(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def hold(event: object) -> None:
        if event == StateChanged(State.CONNECTED):
            bench.connection.hold("too slow")

    bench.on_event = hold
    bench.subscribe("room:7", grant=IssuedGrant("G1"))
    bench.welcome()
    bench.advance(1000)
    assert (bench.states[-1].state, bench.states[-1].code) == (State.WAITING, 3004)
    assert (len(bench.sockets), caplog.text) == (1, "")


def test_held_connection_passes_on_no_frame_that_has_come_already(bench: Bench) -> None:
    bench.welcome()
    bench.on_event = lambda _: bench.connection.hold("too slow")
    bench.deliver({"channel": "user:7", "data": 1}, {"channel": "user:7", "data": 2})
    assert [message.data for message in bench.of(Message)] == [1]


def test_hold_ends_with_what_is_being_handled_and_not_after_a_connect(bench: Bench) -> None:
    bench.welcome()

    def hold_and_connect() -> None:
        bench.connection.hold("too slow")
        bench.connection.connect()

    bench.call(hold_and_connect)
    assert bench.connection.state is State.CONNECTED


def test_busy_gateway_says_when_to_come_back(bench: Bench) -> None:
    bench.welcome()
    bench.lose(3002, "busy, come back in 12 s")
    assert bench.states[-1].wait_s == 13.5  # Up to a quarter more, at random.
