"""What a browser may publish, where, and under whose name."""

import json
from types import SimpleNamespace

import pytest
from sockgate_gateway.connections.connection import Connection, Identity
from sockgate_gateway.errors import Rejected
from sockgate_gateway.sessions.client_publish import FRAMES_EACH, MAX_EVENT_LENGTH, ClientPublisher
from sockgate_gateway.wire.contract import Publish
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.protocol import read_client_frame
from sockgate_gateway.wire.publish_request import PublishRequest

from tests.unit.gateway.channels.test_hub import FakeSubscriptions
from tests.unit.gateway.fakes import SilentJoin, new_connection, new_hub

POLICIES = {
    "chat:7": Policy(publish="subscribers"),
    "ticker:7": Policy(publish="subscribers", history=0),
}


class PublishSetup:
    """A ClientPublisher with its collaborators."""

    def __init__(self) -> None:
        self.sent: list[PublishRequest] = []
        self.frames: list[int] = []
        self.has_room = True
        self.is_within_limit = True
        self.hub = new_hub(Names(), FakeSubscriptions(), 1000)
        policies = SimpleNamespace(of=lambda channel: POLICIES.get(channel, Policy()))
        self.publications = ClientPublisher(
            SimpleNamespace(
                allow_frames=self._admits,
                allow_publication=lambda uid, frames: self.is_within_limit,
            ),
            self.hub,
            policies,
            self,
            self,
        )

    def _admits(self, connection, frames) -> bool:
        self.frames.append(frames)
        return self.has_room

    async def synchronize(self) -> None:
        """Nothing is under way."""

    async def publish(self, request: PublishRequest) -> int:
        self.sent.append(request)
        return 43 if request.policy else 0

    def visitor(self, uid: str | None, *channels: str) -> Connection:
        connection = new_connection()
        connection.start_check()
        connection.uid = uid
        for channel in channels:
            self.hub.subscribe(connection, channel, SilentJoin())
        connection.welcome(Identity("sid", uid, channels, None), b"{}")
        connection.resume()
        connection.transport.batches.clear()
        return connection


def frame(channel: str, event: str = "client-said", data: object = 1) -> Publish:
    text = json.dumps({"type": "publish", "channel": channel, "event": event, "data": data})
    read = read_client_frame(text)
    assert isinstance(read, Publish)
    return read


async def test_publication_carries_its_user_and_is_kept_by_the_policy():
    setup = PublishSetup()
    connection = setup.visitor("7", "chat:7", "ticker:7")
    await setup.publications.publish(connection, frame("chat:7", data={"from": "8"}))
    await setup.publications.publish(connection, frame("ticker:7"))
    kept, plain = setup.sent
    assert json.loads(kept.payload) == {
        "event": "client-said",
        "data": {"from": "8"},
        "from": "7",
    }
    assert (kept.channel, kept.policy) == ("chat:7", POLICIES["chat:7"])
    assert (plain.channel, plain.policy) == ("ticker:7", None)
    assert setup.frames == [FRAMES_EACH - 1] * 2
    assert list(map(json.loads, connection.transport.frames)) == [
        {"type": "published", "channel": "chat:7", "offset": 43},
        {"type": "published", "channel": "ticker:7"},
    ]


@pytest.mark.parametrize(
    ("uid", "subscribed", "publish_frame", "code"),
    [
        pytest.param("7", "room:7", frame("room:7"), "not_allowed", id="the server's alone"),
        pytest.param("7", "room:7", frame("chat:7"), "not_allowed", id="not subscribed"),
        pytest.param(None, "chat:7", frame("chat:7"), "not_allowed", id="anonymous"),
        pytest.param("7", "chat:7", frame("chat:7", "news"), "bad_event", id="the server's event"),
        pytest.param("7", "chat:7", frame("chat:7", "touch"), "bad_event", id="a touch"),
        pytest.param("7", "chat:7", frame("chat:7", "client-"), "bad_event", id="no name"),
        pytest.param(
            "7",
            "chat:7",
            frame("chat:7", "client-" + "x" * MAX_EVENT_LENGTH),
            "bad_event",
            id="too long",
        ),
    ],
)
async def test_invalid_publication_is_rejected(uid, subscribed, publish_frame, code):
    setup = PublishSetup()
    with pytest.raises(Rejected) as denial:
        await setup.publications.publish(setup.visitor(uid, subscribed), publish_frame)
    assert denial.value.code == code
    assert setup.sent == []


async def test_publication_over_the_limit_of_its_user_is_refused():
    setup = PublishSetup()
    setup.is_within_limit = False
    with pytest.raises(Rejected) as denial:
        await setup.publications.publish(setup.visitor("7", "chat:7"), frame("chat:7"))
    assert denial.value.code == "too_many"
    assert setup.sent == []


async def test_flood_is_not_published():
    setup = PublishSetup()
    setup.has_room = False
    connection = setup.visitor("7", "chat:7")
    await setup.publications.publish(connection, frame("chat:7"))
    assert setup.sent == []
    assert not connection.transport.frames


async def test_disconnected_client_receives_no_reply():
    setup = PublishSetup()
    connection = setup.visitor("7", "chat:7")
    transport = connection.transport

    async def publish_and_lose(request: PublishRequest) -> int:
        connection.release()
        return 1

    setup.publications._sink = SimpleNamespace(publish=publish_and_lose)
    await setup.publications.publish(connection, frame("chat:7"))
    assert not transport.frames
