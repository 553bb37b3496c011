"""Connections that pack with hiredis, and whose errors name the server."""

import pytest
from redis.asyncio.connection import Connection
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from sockgate_gateway.redis_servers.connection import HiredisConnection, TCPConnection

from tests.ports import HOST, free_port

COMMANDS = [
    ("GET", "key"),
    ("HSET", "key", "field", b"\xff\x00", "number", 7, "share", 0.5),
    ("SET", "k", ""),
    ("CLIENT KILL", "ID", 7),
    ("EVALSHA", "a" * 40, 0),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_command_is_packed_as_redis_py_packs_it(command):
    ours, theirs = HiredisConnection(), Connection()
    assert b"".join(ours.pack_command(*command)) == b"".join(theirs.pack_command(*command))


async def test_refused_connection_names_the_server():
    port = free_port()
    with pytest.raises(RedisConnectionError, match=f"{HOST}:{port}"):
        await TCPConnection(host=HOST, port=port).connect()


async def test_error_reply_names_the_server_and_not_the_password(monkeypatch):
    async def fail(self: object, *args: object, **options: object) -> None:
        raise AuthenticationError("WRONGPASS invalid username-password pair.")

    monkeypatch.setattr(Connection, "read_response", fail)
    connection = TCPConnection(host="redis.example", port=7, password="secret")
    with pytest.raises(AuthenticationError) as caught:
        await connection.read_response()
    assert str(caught.value) == (
        "WRONGPASS invalid username-password pair (Redis at redis.example:7)"
    )


async def test_server_is_named_once(monkeypatch):
    async def fail(self: object, *args: object, **options: object) -> None:
        raise RedisError("redis.example:7 is loading")

    monkeypatch.setattr(Connection, "read_response", fail)
    with pytest.raises(RedisError) as caught:
        await TCPConnection(host="redis.example", port=7).read_response()
    assert str(caught.value) == "redis.example:7 is loading"


class ClosedMeanwhile(TCPConnection):
    """Another task closes the connection between the check and the write."""

    is_unlucky = False

    async def check_health(self) -> None:
        if self.is_unlucky:
            await self.disconnect()


async def test_connection_that_another_task_closes_has_the_error_of_a_lost_one(redis_server):
    connection = ClosedMeanwhile(host=HOST, port=redis_server.port)
    await connection.connect()
    connection.is_unlucky = True
    with pytest.raises(RedisConnectionError, match=f"closed meanwhile .*{redis_server.port}"):
        await connection.send_command("PING")
