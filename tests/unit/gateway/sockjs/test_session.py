"""One session, with responses, a router and a lifecycle of the test's making."""

from types import SimpleNamespace

import pytest
from sockgate_gateway.config.config import Config
from sockgate_gateway.connections.batch import Batch
from sockgate_gateway.connections.connection import Connection
from sockgate_gateway.connections.states import State
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.loop.timer_wheel import TimerWheel
from sockgate_gateway.sockjs.adapter import ConnectionAdapter
from sockgate_gateway.sockjs.session import Session
from sockgate_gateway.wire.closecodes import CloseCode

CONFIG = Config(max_outbox=10, heartbeat=25, disconnect_delay=5)


class FakeResponse:
    """A response that writes down what it carries."""

    name = "fake"

    def __init__(self, *, takes_one: bool = False) -> None:
        self.active = True
        self.is_overdue = False
        self.is_aborted = False
        self.session: Session | None = None
        self.carried: list[bytes] = []
        self._takes_one = takes_one

    def get_conn_info(self):
        return SimpleNamespace(ip="192.0.2.1", get_header=lambda name: None)

    def send(self, batch: Batch) -> None:
        self.send_frame(b"a" + b",".join(batch.frames))

    def send_frame(self, frame: bytes) -> None:
        self.carried.append(frame)
        if self._takes_one:
            self.detach()

    def end(self, frame: bytes) -> None:
        self.carried.append(frame)
        self.detach()

    def abort(self) -> None:
        self.is_aborted = True
        self.detach()

    def detach(self) -> None:
        self.active = False
        if self.session is not None:
            self.session.remove_handler(self)
            self.session = None


class FakeRouter:
    """What a session needs of its router, and of the lifecycle and the loop behind it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.config = CONFIG
        self.wheel = TimerWheel(lambda: self.now)
        self.settings = {"heartbeat_delay": 25, "immediate_flush": True, "verify_ip": False}
        self.stats = SimpleNamespace(on_pack_recv=lambda count: None)
        self.lifecycle = self.admission = self
        self.has_unaccepted = False
        self.io_loop = self
        self.later: list = []
        self.closed_codes: list[int] = []
        self.removed: list[Session] = []
        self.disconnect: Disconnect | None = None

    def open(self, transport, address: str) -> Connection:
        if self.disconnect:
            raise self.disconnect
        return Connection("id", transport, address, 0)

    def transport_closed(self, connection: Connection, code: int = 1006, cause: str = "") -> None:
        if connection.state is not State.CLOSED:
            connection.release()
            self.closed_codes.append(int(code))

    def close(self, connection: Connection, code: CloseCode, cause: str = "") -> None:
        transport = connection.transport
        self.transport_closed(connection, code)
        transport.close(code)

    def add_callback(self, callback, *arguments) -> None:
        self.later.append(lambda: callback(*arguments))

    def run_later(self) -> None:
        while self.later:
            self.later.pop(0)()

    def remove(self, session: Session) -> None:
        self.removed.append(session)
        session.on_delete(True)

    def advance(self, seconds: float) -> None:
        for _ in range(int(seconds / self.wheel.tick_s)):
            self.hang(self.wheel.tick_s)

    def hang(self, seconds: float) -> None:
        self.now += seconds
        self.wheel.turn()


@pytest.fixture
def router():
    return FakeRouter()


@pytest.fixture
def session(router):
    session = Session(ConnectionAdapter, router, "abc")
    session.open(FakeResponse())
    return session


def attached(session: Session, **options) -> FakeResponse:
    response = FakeResponse(**options)
    session.attach(response)
    return response


def batch(*frames: bytes) -> Batch:
    return Batch(frames)


class TestSending:
    def test_first_response_opens(self, session):
        assert attached(session).carried == [b"o"]

    def test_second_response_does_not_open_again(self, session):
        attached(session, takes_one=True)
        assert attached(session).carried == []

    def test_name_is_the_transports(self, session):
        assert session.name == "fake"

    def test_frames_go_to_the_response(self, session):
        response = attached(session)
        session.send(batch(b"1", b"2"))
        assert response.carried == [b"o", b"a1,2"]

    def test_frames_wait_for_the_next_response(self, session):
        attached(session, takes_one=True)
        session.send(batch(b"1"))
        session.send(batch(b"2", b"3"))
        assert attached(session).carried == [b"a1,2,3"]

    def test_frames_wait_for_a_response_that_is_busy(self, session):
        response = attached(session)
        response.active = False
        session.send(batch(b"1"))
        session.send(batch(b"2"))
        assert response.carried == [b"o"]
        response.active = True
        session.flush()
        assert response.carried == [b"o", b"a1,2"]

    def test_refusal_leaves_no_session(self, router):
        router.disconnect = Disconnect(CloseCode.OVERLOADED)
        with pytest.raises(Disconnect):
            Session(ConnectionAdapter, router, "abc").open(FakeResponse())
        assert router.wheel._slots == {}


class TestOverrun:
    def test_overrun_is_reported_in_a_later_turn(self, session, router):
        session.send(batch(b"12345", b"12345"))
        session.send(batch(b"6"))
        assert router.closed_codes == []
        router.run_later()
        assert router.closed_codes == [CloseCode.SLOW_CONSUMER]

    def test_frames_are_dropped_after_an_overrun(self, session, router):
        session.send(batch(b"x" * 11))
        session.send(batch(b"after the gap"))
        session.send(batch(b"1"))
        router.run_later()
        assert attached(session).carried == [b'c[3004,"messages were not read in time"]']

    def test_poll_before_the_report_receives_the_close_frame(self, session, router):
        attached(session, takes_one=True)
        session.send(batch(b"x" * 11))
        assert attached(session).carried == [b'c[3004,"messages were not read in time"]']
        router.run_later()
        assert router.closed_codes == [CloseCode.SLOW_CONSUMER]

    def test_overrun_within_a_batch_is_reported_once(self, session, router):
        session.send(batch(*[b"x" * 11] * 5))
        assert len(router.later) == 1


class TestClosing:
    def test_close_reaches_the_response_and_ends_it(self, session):
        response = attached(session)
        session.close(CloseCode.DRAIN)
        assert response.carried == [b"o", b'c[3001,"server is restarting"]']
        assert session.handler is None

    def test_close_frame_follows_sent_frames(self, session):
        attached(session, takes_one=True)
        session.send(batch(b"1"))
        session.close(CloseCode.DRAIN)
        assert attached(session).carried == [b"a1", b'c[3001,"server is restarting"]']

    def test_close_frame_follows_sent_frames_over_polls(self, session):
        attached(session, takes_one=True)
        session.send(batch(b"1"))
        session.close(CloseCode.DRAIN)
        assert attached(session, takes_one=True).carried == [b"a1"]
        assert attached(session, takes_one=True).carried == [b'c[3001,"server is restarting"]']

    def test_close_waits_for_a_response_that_is_busy(self, session):
        response = attached(session)
        response.active = False
        session.close(CloseCode.DRAIN)
        assert response.carried == [b"o"]
        response.active = True
        session.flush()
        assert response.carried[-1] == b'c[3001,"server is restarting"]'

    def test_second_close_has_no_effect(self, session, router):
        response = attached(session)
        session.close(CloseCode.DRAIN)
        session.close(CloseCode.SESSION_ENDED)
        session.interrupt()
        assert len(response.carried) == 2
        assert router.closed_codes == [CloseCode.DRAIN]

    def test_frames_after_close_are_dropped(self, session):
        attached(session, takes_one=True)
        session.close(CloseCode.DRAIN)
        session.send(batch(b"1"))
        assert attached(session).carried == [b'c[3001,"server is restarting"]']

    def test_interruption_is_reported_to_lifecycle_and_client(self, session, router):
        attached(session).detach()
        session.interrupt()
        assert router.closed_codes == [1002]
        assert attached(session).carried == [b'c[1002,"Connection interrupted"]']

    def test_second_response_is_refused(self, session):
        first, second = attached(session), attached(session)
        assert second.carried == [b'c[2010,"Another connection still open"]']
        assert session.handler is first


class TestTime:
    def test_response_receives_a_heartbeat(self, session, router):
        response = attached(session)
        for _ in range(3):
            router.advance(26)
        assert response.carried == [b"o", b"h", b"h", b"h"]

    def test_browser_without_a_response_is_disconnected(self, session, router):
        attached(session, takes_one=True)
        router.advance(6)
        assert router.closed_codes == [1006]
        assert router.removed == [session]

    def test_heartbeat_ends_a_poll(self, session, router):
        attached(session, takes_one=True)
        poll = attached(session, takes_one=True)
        router.advance(26)
        assert poll.carried == [b"h"]
        router.advance(6)
        assert router.removed == [session]

    def test_busy_response_is_closed_at_the_second_heartbeat(self, session, router):
        response = attached(session)
        response.active = False
        router.advance(26)
        assert router.closed_codes == []
        router.advance(26)
        assert router.closed_codes == [CloseCode.SLOW_CONSUMER]

    def test_late_worker_waits_once_more_for_the_next_poll(self, session, router):
        """A poll may have come that nobody has read."""
        for _ in range(2):
            attached(session).detach()
            router.hang(6)
            assert router.closed_codes == []
        router.hang(6)
        assert router.closed_codes == [1006]

    def test_session_waits_while_its_next_poll_may_be_in_the_accept_queue(self, session, router):
        attached(session).detach()
        router.has_unaccepted = True
        router.advance(30)
        assert router.closed_codes == []
        router.has_unaccepted = False
        router.advance(6)
        assert router.closed_codes == [1006]

    def test_late_worker_closes_no_response_that_may_be_writable(self, session, router):
        response = attached(session)
        response.active = False
        router.advance(26)
        router.hang(26)
        assert router.closed_codes == []
        router.advance(26)
        assert router.closed_codes == [CloseCode.SLOW_CONSUMER]

    def test_closed_session_aborts_a_response_that_is_not_read(self, session, router):
        response = attached(session)
        response.active = False
        session.close(CloseCode.DRAIN)
        router.advance(6)
        assert response.is_aborted
        assert router.removed == [session]

    def test_polls_do_not_prolong_a_closed_session(self, session, router):
        attached(session, takes_one=True)
        session.close(CloseCode.DRAIN)
        for _ in range(2):
            router.advance(2)
            attached(session, takes_one=True)
        router.advance(2)
        assert router.removed == [session]

    def test_lifecycle_that_fails_keeps_no_session_alive(
        self, session, router, caplog, monkeypatch
    ):
        attached(session, takes_one=True)
        monkeypatch.setattr(router, "transport_closed", lambda connection, code: 1 / 0)
        router.advance(6)
        assert "event=timer_failed" in caplog.text
        router.advance(6)
        assert router.removed == [session]


def test_request_in_the_accept_queue_counts_as_unread(router):
    session = Session(ConnectionAdapter, router, "id")
    assert not session.has_unread
    router.has_unaccepted = True
    assert session.has_unread
