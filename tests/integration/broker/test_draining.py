"""Whole socket reads, in the order of Redis, and no error overlooked."""

import asyncio

import pytest
from redis.asyncio.connection import Connection
from redis.exceptions import ResponseError

from gateway.broker.clients import open_servers
from gateway.broker.draining import DrainingParser

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


async def test_handshake_and_commands_are_read_as_usual(server):
    servers = open_servers(server.connection_url)
    connection = await servers.open_link()
    for command, answer in ((("PING",), b"PONG"), (("LRANGE", "none", 0, -1), [])):
        await connection.send_command(*command)
        assert await connection.read_response() == answer
    await servers.close_link(connection)
    await servers.close()


async def test_error_behind_a_message_is_raised():
    reader = asyncio.StreamReader()
    connection = Connection(parser_class=DrainingParser, protocol=2)
    connection._reader = reader
    connection._parser.on_connect(connection)
    reader.feed_data(b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n-NOPERM no\r\n")
    with pytest.raises(ResponseError):
        await connection._parser.read_response()


async def test_message_cut_in_two_is_read_when_it_is_whole():
    reader = asyncio.StreamReader()
    connection = Connection(parser_class=DrainingParser, protocol=2)
    connection._reader = reader
    connection._parser.on_connect(connection)
    whole = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\n%d\r\n"
    reader.feed_data(whole % 10 + (whole % 11)[:20])
    assert await connection._parser.read_response() == [[b"message", b"a", b"10"]]
    reader.feed_data((whole % 11)[20:])
    assert await connection._parser.read_response() == [[b"message", b"a", b"11"]]
