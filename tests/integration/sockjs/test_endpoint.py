"""A connect, a push and an end over HTTP, with the real lifecycle and sessions in memory."""

import json
from collections.abc import Sequence
from secrets import token_hex

import pytest
from sockgate_gateway.connections.connection import Claim, Connection
from sockgate_gateway.connections.journal import Journal
from sockgate_gateway.connections.registry import Limits, Registry
from sockgate_gateway.connections.replay_budget import ReplayBudget
from sockgate_gateway.sessions.authenticator import Authenticator, Login
from sockgate_gateway.sessions.lifecycle import Lifecycle, LifecycleConfig
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.records import SessionRecord, UserRecord
from sockgate_gateway.wire.tokens import Token, TokenSigner

from tests.integration.sockjs.mended import Mended
from tests.unit.gateway.fakes import ignore, new_hub

PATH = "/000/abc"
ALICE = "1"
SID = "sid-of-alice"


class MemoryBroker:
    """Sessions, and a Redis that records every subscription."""

    def __init__(self) -> None:
        self.logins = {SID: Login(SessionRecord(ALICE, "auth"), UserRecord("auth"))}

    async def read_many(self, claims: Sequence[Claim]) -> list[Login]:
        return [self.logins.get(sid, Login(None, None)) for sid, _ in claims]

    def subscribe(self, channel: str) -> None: ...

    def unsubscribe(self, channel: str) -> None: ...


class Gateway(Mended):
    """Our server with the real lifecycle behind it."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        broker = MemoryBroker()
        self.signer = TokenSigner([token_hex(32)])
        self.hub = new_hub(Names(), broker, 2**20)
        self.registry = Registry(
            Limits(
                total=self.config.max_connections,
                unauthenticated=100,
                per_user=self.config.max_per_user,
                per_address=100,
            ),
            on_user_changed=ignore,
        )
        self._authenticator = Authenticator(self.signer, broker, 3600, (), lambda: None)

    def lifecycle(self) -> Lifecycle:
        return Lifecycle(
            self.registry,
            self.hub,
            self._authenticator,
            ReplayBudget(self.wheel, 2**19),
            Journal(),
            self.wheel,
            config=LifecycleConfig(
                connect_timeout_s=10,
                held_limit_bytes=2**20,
                max_frames_per_second=1000,
                max_recover=1000,
                heartbeat_s=25,
            ),
            on_welcome=Connection.resume,
            on_frame=ignore,
        )

    def connect(self, sid: str = SID, uid: str | None = ALICE) -> None:
        """Show a token."""
        frame = {"type": "connect", "token": self.signer.issue(Token(sid, uid))}
        response = self.browser.post(PATH + "/xhr_send", json.dumps([json.dumps(frame)]))
        assert response.status == 204

    def publish(self, channel: str, payload: bytes) -> None:
        self.run(lambda: self.hub.fan_out([(f"rt:{channel}".encode(), payload)]))


def read_frames(chunk: str) -> list[dict]:
    assert chunk[0] == "a", chunk
    return [json.loads(text) for text in json.loads(chunk[1:])]


@pytest.fixture
def start():
    started = []

    def start(**options) -> Gateway:
        gateway = Gateway(**options)
        started.append(gateway.start())
        return gateway

    yield start
    for gateway in started:
        gateway.stop()


@pytest.fixture
def gateway(start):
    return start()


@pytest.fixture
def stream(gateway):
    stream = gateway.browser.stream("POST", PATH + "/xhr_streaming")
    stream.read_chunk()
    assert stream.read_chunk() == "o\n"
    return stream


def test_connected_client_receives_its_channel(gateway, stream):
    gateway.connect()
    (welcome,) = read_frames(stream.read_chunk())
    assert welcome["type"] == "connected"
    assert welcome["user"] == ALICE
    gateway.publish("user:1", b'{"event": "news"}')
    assert read_frames(stream.read_chunk()) == [{"channel": "user:1", "data": {"event": "news"}}]


def test_client_does_not_receive_another_users_channel(gateway, stream):
    gateway.connect()
    stream.read_chunk()
    gateway.publish("user:2", b'"for bob"')
    gateway.publish("broadcast", b'"for all"')
    assert read_frames(stream.read_chunk()) == [{"channel": "broadcast", "data": "for all"}]


def test_browser_without_a_session_is_refused(gateway, stream):
    gateway.connect(sid="unknown")
    assert stream.read_chunk() == 'c[4402,"session is not valid"]\n'
    assert stream.read_chunk() == ""


def test_frame_before_connect_is_a_breach(gateway, stream):
    gateway.browser.post(PATH + "/xhr_send", json.dumps(['{"type":"ping"}']))
    assert stream.read_chunk() == 'c[4501,"protocol error"]\n'


def test_second_token_on_a_known_session_is_a_breach(gateway, stream):
    gateway.connect()
    stream.read_chunk()
    gateway.connect(uid=None)
    assert stream.read_chunk() == 'c[4501,"protocol error"]\n'


def test_browser_without_a_token_is_closed(gateway, stream):
    for _ in range(24):  # A jump of the clock would be a late worker.
        gateway.advance(0.5)
    assert stream.read_chunk() == 'c[3005,"no connect frame in time"]\n'


def test_disconnected_browser_is_removed(gateway, stream):
    gateway.connect()
    stream.read_chunk()
    stream.close()
    gateway.until(lambda: not gateway.registry.connections)
    assert "user:1" not in gateway.hub.channels()


def test_full_worker_refuses_and_keeps_no_state(start):
    gateway = start(max_connections=1)
    assert gateway.browser.post(PATH + "/xhr").body == "o\n"
    gateway.connect()
    refusal = 'c[3002,"too many connections, try again later"]\n'
    assert gateway.browser.post("/000/second/xhr").body == refusal
    assert len(gateway.sessions()) == 1


def test_draining_worker_refuses(gateway):
    gateway.router.lifecycle.is_draining = True
    assert gateway.browser.post(PATH + "/xhr").body == 'c[3001,"server is restarting"]\n'


def test_browser_that_does_not_read_is_closed_and_removed(start):
    gateway = start(max_outbox=2**20, response_limit=2**40)
    slow = gateway.browser.stream("POST", PATH + "/xhr_streaming")
    slow.read_chunk()
    slow.read_chunk()
    gateway.connect()
    slow.read_chunk()
    for _ in range(40):
        gateway.publish("user:1", b'"%b"' % (b"x" * 2**19))
    assert gateway.router.lifecycle.closed_count == {"3004": 1}
    assert gateway.registry.connections == {}
