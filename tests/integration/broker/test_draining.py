"""Whole socket reads, in the order of Redis, and no error overlooked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ResponseError

from gateway.broker.clients import open_servers
from gateway.broker.draining import drain
from tests.waiting import turn_loop, until

pytestmark = pytest.mark.integration


async def test_burst_is_drained_in_order_in_few_readings(bench):
    async with bench() as broker:
        handed_over: list[int] = []
        heard = broker.ear.heard

        def publish(received):
            handed_over.append(len(received))
            heard.extend(received)

        broker.ear.publish = publish
        broker.want("a")
        await broker.confirmed(("a",))
        pipeline = broker.django.pipeline(transaction=False)
        for number in range(5000):
            pipeline.publish("rt:a", number)
        await pipeline.execute()
        while len(heard) < 5000:
            await asyncio.sleep(0)
        assert [int(payload) for _, payload in heard] == list(range(5000))
        assert len(handed_over) < 500


class Link:
    """The server's end of a connection of redis-py; what the gateway drains comes from here."""

    def __init__(self, connection: Connection, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.connection = connection
        self.taken: list[list] = []
        self.fault: Exception | None = None
        self.draining = asyncio.create_task(drain(connection, self.take))

    def take(self, replies) -> None:
        if self.fault:
            raise self.fault
        self.taken.append(list(replies))

    def say(self, text: bytes) -> None:
        self._writer.write(text)

    def hang_up(self) -> None:
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
        link.hang_up()
        await asyncio.wait([link.draining])
        link.draining.exception()
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
        link.say(MESSAGE % 10 + (MESSAGE % 11)[:20])
        await until(lambda: link.taken == [[[b"message", b"a", b"10"]]])
        link.say((MESSAGE % 11)[20:])
        await until(lambda: link.taken[1:] == [[[b"message", b"a", b"11"]]])


async def test_error_behind_a_message_is_raised():
    async with linked() as link:
        link.say(MESSAGE % 10 + b"-NOPERM no\r\n")
        with pytest.raises(ResponseError, match="NOPERM no"):
            await link.draining


async def test_nothing_is_taken_behind_an_error():
    async with linked() as link:
        link.say(b"-NOPERM no\r\n")
        await asyncio.wait([link.draining])
        link.say(MESSAGE % 10)
        await turn_loop()
        assert link.taken == []


async def test_what_is_no_answer_of_redis_is_raised():
    async with linked() as link:
        link.say(b"HTTP/1.1 400 Bad Request\r\n")
        with pytest.raises(InvalidResponse):
            await link.draining


async def test_end_of_the_connection_is_raised():
    async with linked() as link:
        link.hang_up()
        with pytest.raises(RedisConnectionError):
            await link.draining


async def test_fault_of_who_takes_ends_the_connection():
    async with linked() as link:
        reported = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, what: reported.append(what))
        link.fault = KeyError("fault")
        link.say(MESSAGE % 10)
        with pytest.raises(KeyError):
            await link.draining
        assert len(reported) == 1


async def test_commands_can_be_sent_while_it_drains(server):
    servers = open_servers(server.connection_url)
    connection = await servers.open_link()
    taken: list[list] = []
    draining = asyncio.create_task(drain(connection, lambda replies: taken.extend(replies)))
    await connection.send_command("SUBSCRIBE", "a", "b")
    await until(lambda: taken == [[b"subscribe", b"a", 1], [b"subscribe", b"b", 2]])
    await servers.close_link(connection)
    with pytest.raises(RedisConnectionError):
        await draining
    await servers.close()


async def test_connection_that_is_down_cannot_be_drained():
    with pytest.raises(RedisConnectionError):
        await drain(Connection(), list)
