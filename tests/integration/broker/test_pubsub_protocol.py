"""Replies of whole socket reads, in Redis's order, with every error raised."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ResponseError
from sockgate_gateway.broker.pubsub_protocol import read_replies
from sockgate_gateway.broker.servers.opening import open_servers

from tests.waiting import turn_loop, until

pytestmark = pytest.mark.integration


async def test_burst_is_delivered_in_order_in_few_calls(bench):
    async with bench() as broker:
        calls: list[int] = []
        payloads = broker.listener.received

        def publish(received):
            calls.append(len(received))
            payloads.extend(received)

        broker.listener.publish = publish
        broker.subscribe("a")
        await broker.confirmed(("a",))
        pipeline = broker.django.pipeline(transaction=False)
        for number in range(5000):
            pipeline.publish("rt:a", number)
        await pipeline.execute()
        while len(payloads) < 5000:
            await asyncio.sleep(0)  # one turn of the loop: replies are read there
        assert [int(payload) for _, payload in payloads] == list(range(5000))
        assert len(calls) < 500


class Link:
    """The server's end of a connection of redis-py, from which the gateway reads."""

    def __init__(self, connection: Connection, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.connection = connection
        self.taken: list[list] = []
        self.fault: Exception | None = None
        self.reading = asyncio.create_task(read_replies(connection, self.take))

    def take(self, replies) -> None:
        if self.fault:
            raise self.fault
        self.taken.append(list(replies))

    def send(self, text: bytes) -> None:
        self._writer.write(text)

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def linked() -> AsyncIterator[Link]:
    arrived: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    async with await asyncio.start_server(
        lambda reader, writer: arrived.set_result(writer), "127.0.0.1"
    ) as server:
        port = server.sockets[0].getsockname()[1]
        connection = Connection(host="127.0.0.1", port=port, protocol=2)
        await connection._connect()
        link = Link(connection, await arrived)
        yield link
        link.close()
        await asyncio.wait([link.reading])
        link.reading.exception()
        await connection.disconnect()


MESSAGE = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\n%d\r\n"


async def test_handshake_and_commands_are_read_as_usual(server):
    servers = open_servers(server.connection_url)
    connection = await servers.open_link()
    for command, answer in ((("PING",), b"PONG"), (("LRANGE", "none", 0, -1), [])):
        await connection.send_command(*command)
        assert await connection.read_response() == answer
    await servers.close_link(connection)
    await servers.close()


async def test_message_cut_in_two_is_read_when_it_is_whole():
    async with linked() as link:
        link.send(MESSAGE % 10 + (MESSAGE % 11)[:20])
        await until(lambda: link.taken == [[[b"message", b"a", b"10"]]])
        link.send((MESSAGE % 11)[20:])
        await until(lambda: link.taken[1:] == [[[b"message", b"a", b"11"]]])


async def test_error_behind_a_message_is_raised():
    async with linked() as link:
        link.send(MESSAGE % 10 + b"-NOPERM no\r\n")
        with pytest.raises(ResponseError, match="NOPERM no"):
            await link.reading


async def test_replies_after_an_error_are_not_delivered():
    async with linked() as link:
        link.send(b"-NOPERM no\r\n")
        await asyncio.wait([link.reading])
        link.send(MESSAGE % 10)
        await turn_loop()
        assert link.taken == []


async def test_invalid_reply_raises():
    async with linked() as link:
        link.send(b"HTTP/1.1 400 Bad Request\r\n")
        with pytest.raises(InvalidResponse):
            await link.reading


async def test_end_of_the_connection_is_raised():
    async with linked() as link:
        link.close()
        with pytest.raises(RedisConnectionError):
            await link.reading


async def test_error_of_the_handler_ends_the_connection():
    async with linked() as link:
        reported = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, what: reported.append(what))
        link.fault = KeyError("fault")
        link.send(MESSAGE % 10)
        with pytest.raises(KeyError):
            await link.reading
        assert len(reported) == 1


async def test_commands_can_be_sent_while_replies_are_read(server):
    servers = open_servers(server.connection_url)
    connection = await servers.open_link()
    taken: list[list] = []
    reading = asyncio.create_task(read_replies(connection, lambda replies: taken.extend(replies)))
    await connection.send_command("SUBSCRIBE", "a", "b")
    await until(lambda: taken == [[b"subscribe", b"a", 1], [b"subscribe", b"b", 2]])
    await servers.close_link(connection)
    with pytest.raises(RedisConnectionError):
        await reading
    await servers.close()


async def test_connection_that_is_down_cannot_be_read():
    with pytest.raises(RedisConnectionError):
        await read_replies(Connection(), list)
