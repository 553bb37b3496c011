"""The generator counts what it should, on every transport, so that benchmarks do not rot."""

import shutil
from collections.abc import Iterator

import pytest

from benchmarks import load, stage
from benchmarks.load import Load
from benchmarks.servers.base import Running
from benchmarks.servers.floor import Floor
from benchmarks.servers.sockgate import Sockgate

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler"),
]

CONNS = 5


@pytest.fixture(scope="module")
def floor() -> Iterator[Running]:
    Floor().prepare()
    with stage.started(Floor()) as running:
        yield running


@pytest.fixture(scope="module")
def sockgate() -> Iterator[Running]:
    with stage.started(Sockgate(), users=CONNS) as running:
        yield running


def _figures(running: Running, transport: str = "websocket", **options) -> dict:
    dialogue = running.server.dialogue(transport)
    figures = load.run(running, Load(conns=CONNS, transport=transport, **options), dialogue)
    assert figures["open"] == CONNS
    return figures


@pytest.mark.parametrize("body", [64, 130, 70_000])
def test_fan_out_is_counted_for_every_connection(floor, body):
    figures = _figures(floor, rounds=12, burst=4, body=body)
    assert (figures["published"], figures["delivered"]) == (12, 12 * CONNS)


def test_private_message_is_counted_once(floor):
    assert _figures(floor, rounds=20, window=4, to_one=True)["delivered"] == 20


def test_broadcast_beside_private_messages_is_counted_apart(floor):
    figures = _figures(floor, rounds=20, rate=1000, to_one=True, broadcast_every_s=60)
    assert (figures["delivered"], figures["broadcasts_delivered"]) == (20, CONNS)


def test_frames_are_counted_where_markers_cannot_be_read(floor):
    assert _figures(floor, rounds=3, deflate=True)["delivered"] == 3 * CONNS


@pytest.mark.parametrize("to_one", [True, False])
def test_sequenced_publication_is_counted(sockgate, to_one):
    figures = _figures(sockgate, rounds=10, sequenced=True, to_one=to_one)
    assert figures["delivered"] == figures["expected"] >= 10


@pytest.mark.parametrize("transport", ["websocket", "rawwebsocket", "xhr_streaming", "xhr"])
def test_sockgate_delivers_on_every_transport(sockgate, transport):
    assert _figures(sockgate, transport, rounds=4)["delivered"] == 4 * CONNS


def test_streaming_continues_in_the_next_response(sockgate):
    figures = _figures(sockgate, "xhr_streaming", rounds=30, body=16_384)
    assert figures["delivered"] == 30 * CONNS


def test_reconnected_client_receives_missed_publications(sockgate):
    _figures(sockgate)
    dialogue = sockgate.server.miss_something(sockgate.redis)
    assert load.run(sockgate, Load(conns=CONNS), dialogue)["open"] == CONNS
