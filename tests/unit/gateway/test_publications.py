"""What a browser may publish, where, and under whose name."""

import json
from types import SimpleNamespace

import pytest

from gateway.connection import Connection, Identity, State
from gateway.errors import Denied
from gateway.hub import Hub
from gateway.publications import FRAMES_EACH, MAX_EVENT_LENGTH, Publications
from gateway.wire.messages import Publish, read_client_frame
from gateway.wire.names import Names
from gateway.wire.namespaces import Policy
from gateway.wire.outgoing import Outgoing

from .fakes import new_connection
from .test_hub import FakeSubscriptions

POLICIES = {
    "chat:7": Policy(publish="subscribers"),
    "ticker:7": Policy(publish="subscribers", history=0),
}


class House:
    """Publications, and what stands around them."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.frames: list[int] = []
        self.has_room = True
        self.hub = Hub(Names(), FakeSubscriptions(), 1000)
        policies = SimpleNamespace(of=lambda channel: POLICIES.get(channel, Policy()))
        self.publications = Publications(
            SimpleNamespace(hub=self.hub, admits=self._admits), policies, self
        )

    def _admits(self, connection, frames) -> bool:
        self.frames.append(frames)
        return self.has_room

    async def publish(self, outgoing: Outgoing) -> int:
        self.sent.append(outgoing)
        return 43 if outgoing.policy else 0

    def visitor(self, uid: str | None, *channels: str) -> Connection:
        connection = new_connection()
        connection.enter(State.CHECKING)
        connection.uid = uid
        for channel in channels:
            self.hub.join(connection, channel)
        connection.welcome(Identity("sid", uid, channels, None), b"{}")
        connection.transport.batches.clear()
        return connection


def frame(channel: str, event: str = "client-said", data: object = 1) -> Publish:
    text = json.dumps({"type": "publish", "channel": channel, "event": event, "data": data})
    read = read_client_frame(text)
    assert isinstance(read, Publish)
    return read


async def test_user_publishes_under_his_name_what_is_kept_as_the_namespace_says():
    house = House()
    connection = house.visitor("7", "chat:7", "ticker:7")
    await house.publications.publish(connection, frame("chat:7", data={"from": "8"}))
    await house.publications.publish(connection, frame("ticker:7"))
    kept, plain = house.sent
    assert json.loads(kept.payload) == {
        "event": "client-said",
        "data": {"from": "8"},
        "from": "7",
    }
    assert (kept.channel, kept.policy) == ("chat:7", POLICIES["chat:7"])
    assert (plain.channel, plain.policy) == ("ticker:7", None)
    assert house.frames == [FRAMES_EACH - 1] * 2
    assert list(map(json.loads, connection.transport.frames)) == [
        {"type": "published", "channel": "chat:7", "offset": 43},
        {"type": "published", "channel": "ticker:7"},
    ]


@pytest.mark.parametrize(
    ("uid", "heard", "asked", "code"),
    [
        pytest.param("7", "room:7", frame("room:7"), "not_allowed", id="the server's alone"),
        pytest.param("7", "room:7", frame("chat:7"), "not_allowed", id="not heard"),
        pytest.param(None, "chat:7", frame("chat:7"), "not_allowed", id="anonymous"),
        pytest.param("7", "chat:7", frame("chat:7", "news"), "bad_event", id="the server's event"),
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
async def test_nothing_else_is_published(uid, heard, asked, code):
    house = House()
    with pytest.raises(Denied) as denial:
        await house.publications.publish(house.visitor(uid, heard), asked)
    assert denial.value.code == code
    assert house.sent == []


async def test_flood_is_not_published():
    house = House()
    house.has_room = False
    connection = house.visitor("7", "chat:7")
    await house.publications.publish(connection, frame("chat:7"))
    assert house.sent == []
    assert not connection.transport.frames


async def test_who_has_left_meanwhile_is_told_nothing():
    house = House()
    connection = house.visitor("7", "chat:7")

    async def publish_and_lose(outgoing: Outgoing) -> int:
        connection.enter(State.CLOSED)
        return 1

    house.publications._press = SimpleNamespace(publish=publish_and_lose)
    await house.publications.publish(connection, frame("chat:7"))
    assert not connection.transport.frames
