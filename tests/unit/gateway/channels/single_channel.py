"""A channel by itself, its subscribers, and publications and histories to feed it."""

import json

from sockgate_gateway.channels.audience import Audience
from sockgate_gateway.channels.channel import Channel
from sockgate_gateway.channels.history import HistoryReply
from sockgate_gateway.channels.presence_counts import PresenceCounts
from sockgate_gateway.channels.touch_mark import LinkLoss
from sockgate_gateway.connections.connection import Connection, Identity
from sockgate_gateway.connections.journal import Journal
from sockgate_gateway.histogram import SECONDS, Histogram
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.publication import Publication

from tests.unit.gateway.fakes import new_connection, new_room

GAP = "gap"
LATENCY = Histogram(SECONDS)


class RecordedJoin:
    """A join that records how it ended."""

    channel = "room:7"

    def __init__(self, since=None, room_bytes: int = 10_000, newest: int = 0) -> None:
        self.since = since
        self.newest = newest
        self.connection = new_connection()
        self.room = new_room(self.connection, 10_000)
        self.room.left_bytes = room_bytes
        self.outcomes: list[object] = []

    def confirm(self, result) -> None:
        self.outcomes.append((result.position, result.is_recovered))

    def fail(self, error) -> None:
        self.outcomes.append(error)

    def cancel(self) -> None:
        self.outcomes.append("cancelled")


def new_channel(
    recover: bool = True, pending_limit_bytes: int = 1000, state: str = "none"
) -> Channel:
    policy = Policy(recover=recover, state=state)
    return Channel("room:7", policy, pending_limit_bytes, new_audience(), LinkLoss(), LATENCY)


def new_audience() -> Audience:
    return Audience(PresenceCounts(), 100, Journal())


def subscriber() -> Connection:
    connection = new_connection()
    connection.start_check()
    connection.welcome(Identity("sid", None, (), None), b"{}")
    connection.resume()
    connection.transport.batches.clear()
    return connection


def pub(offset: int, epoch: str = "e") -> Publication:
    return Publication(b"%d" % offset, epoch, offset)


def plain(text: str) -> Publication:
    return Publication(json.dumps(text).encode())


def reply(last: int, first: int = 1, epoch: str = "e") -> HistoryReply:
    recent = tuple(pub(offset, epoch) for offset in range(first, last + 1))
    return HistoryReply((epoch, last), recent)


def publish(channel: Channel, *publications: Publication) -> None:
    for frame in filter(None, map(channel.receive, publications)):
        for connection in channel.connections:
            connection.send(frame)


def received(connection: Connection) -> list:
    frames = map(json.loads, connection.transport.frames)
    return [GAP if frame.get("type") == "gap" else frame["data"] for frame in frames]


def live_channel(last: int = 0, **options) -> tuple[Channel, Connection]:
    """A live channel at an offset, and a connection that is subscribed."""
    channel, connection = new_channel(**options), subscriber()
    channel.subscribe(connection, RecordedJoin())
    channel.history_request()
    channel.apply_history(reply(last, first=last + 1))
    return channel, connection
