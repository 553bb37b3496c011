"""A connect, a push and an end over HTTP, with the real endpoint and sessions in memory."""

import json
from collections.abc import Sequence
from secrets import token_hex

import pytest

from gateway.authenticator import Authenticator, Claim, Login
from gateway.endpoint import Endpoint
from gateway.hub import Hub
from gateway.registry import Limits, Registry
from gateway.wire.closecodes import CloseCode
from gateway.wire.names import Names
from gateway.wire.records import SessionRecord, UserRecord
from gateway.wire.tokens import Token, TokenSigner

from .mended import Mended

PATH = "/000/abc"
ALICE = "1"
SID = "sid-of-alice"


class MemoryBroker:
    """Sessions, and a Redis that hears everything."""

    def __init__(self) -> None:
        self.logins = {SID: Login(SessionRecord(ALICE, "auth"), UserRecord("auth"))}

    async def read_many(self, claims: Sequence[Claim]) -> list[Login]:
        return [self.logins.get(sid, Login(None, None)) for sid, _ in claims]

    def want(self, channel: str) -> None: ...

    def unwant(self, channel: str) -> None: ...


class Gateway(Mended):
    """Our server with the real endpoint behind it."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        broker = MemoryBroker()
        self.signer = TokenSigner([token_hex(32)])
        self.hub = Hub(Names(), broker, 2**20)
        self.registry = Registry(
            Limits(self.config.max_connections, 100, self.config.max_per_user, 100)
        )
        self._authenticator = Authenticator(self.signer, broker, 3600)

    def endpoint(self) -> Endpoint:
        return Endpoint(self.registry, self.hub, self._authenticator, self.wheel, 10, 2**20)

    def connect(self, sid: str = SID, uid: str | None = ALICE) -> None:
        """Show a token."""
        frame = {"type": "connect", "token": self.signer.issue(Token(sid, uid))}
        response = self.browser.post(PATH + "/xhr_send", json.dumps([json.dumps(frame)]))
        assert response.status == 204

    def publish(self, channel: str, payload: bytes) -> None:
        self.run(lambda: self.hub.publish([(f"rt:{channel}".encode(), payload)]))


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


def test_welcomed_browser_hears_its_channel(gateway, stream):
    gateway.connect()
    (welcome,) = read_frames(stream.read_chunk())
    assert welcome["type"] == "connected"
    assert welcome["user"] == ALICE
    gateway.publish("user:1", b'{"event": "news"}')
    assert read_frames(stream.read_chunk()) == [{"channel": "user:1", "data": {"event": "news"}}]


def test_browser_does_not_hear_another_users_channel(gateway, stream):
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
    gateway.advance(11)
    assert stream.read_chunk() == 'c[3005,"no connect frame in time"]\n'


def test_browser_that_breaks_off_is_forgotten(gateway, stream):
    gateway.connect()
    stream.read_chunk()
    stream.close()
    gateway.until(lambda: not gateway.registry.connections)
    assert not gateway.hub.is_heard("user:1")


def test_full_worker_refuses_and_forgets(start):
    gateway = start(max_connections=1)
    assert gateway.browser.post("/000/first/xhr").body == "o\n"
    refusal = 'c[3002,"too many connections, try again later"]\n'
    assert gateway.browser.post("/000/second/xhr").body == refusal
    assert len(gateway.sessions()) == 1


def test_draining_worker_refuses(gateway):
    gateway.router.endpoint.is_draining = True
    assert gateway.browser.post(PATH + "/xhr").body == 'c[3001,"server is restarting"]\n'


def test_browser_that_does_not_read_is_closed_and_forgotten(start):
    gateway = start(max_outbox=2**20, response_limit=2**40)
    slow = gateway.browser.stream("POST", PATH + "/xhr_streaming")
    slow.read_chunk()
    slow.read_chunk()
    gateway.connect()
    slow.read_chunk()
    for _ in range(40):
        gateway.publish("user:1", b'"%b"' % (b"x" * 2**19))
    assert gateway.router.endpoint.closed_count == {CloseCode.SLOW_CONSUMER: 1}
    assert gateway.registry.connections == {}
