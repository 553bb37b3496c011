import pytest
from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Connection
from sockgate_gateway.redis_servers.errors import (
    OWN_CONNECTIONS_BUSY,
    cause_of,
    is_own_limit,
    remedy_for,
)
from sockgate_gateway.redis_servers.sentinel import open_sentinel
from sockgate_gateway.wire.addresses import read_address

from tests.ports import HOST, free_port

NONE = "no Sentinel names a master of shop"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (exceptions.ConnectionError("Error 111 connecting to h:1. Connection refused."), "start"),
        (exceptions.ConnectionError("Error 111. Connect call failed"), "start"),
        (exceptions.ConnectionError("Error 2 connecting to unix:/x. No such file"), "start"),
        (exceptions.ConnectionError("Error -2 connecting to x. Name or service not"), "host"),
        (exceptions.AuthenticationError("invalid username-password pair"), "password"),
        (exceptions.AuthenticationError("Authentication required."), "password"),
        (exceptions.NoPermissionError("User app has no permissions to run 'get'"), "ACL"),
        (exceptions.TimeoutError("Timeout connecting to server"), "firewalls"),
        (exceptions.ResponseError("DB index is out of range"), "database"),
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), "wait"),
        (exceptions.ConnectionError(f"{NONE}: they do not know it"), "service"),
        (exceptions.ConnectionError(f"{NONE}: it is down"), "start the master"),
        (exceptions.ConnectionError(f"{NONE}: invalid username-password pair"), "password"),
        (exceptions.ConnectionError(f"{NONE}: Timeout connecting to server"), "start the Sent"),
        (exceptions.ResponseError("unknown command 'SENTINEL', with args"), "26379"),
        (exceptions.ResponseError("unknown command 'HSET', with args"), "redis+sentinel://"),
        (
            exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
            "maxmemory",
        ),
        (exceptions.ResponseError("MISCONF Valkey is configured to save RDB snapshots"), "disk"),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."), "replicas"),
        (
            exceptions.ConnectionError("Error 32 while writing to socket. Broken pipe."),
            "ssl_certfile",
        ),
        (
            exceptions.ConnectionError(
                "Error while reading from h:1 : (104, 'Connection reset by peer')"
            ),
            "ssl_certfile",
        ),
        (exceptions.RedisError("something else"), ""),
    ],
)
def test_remedy_names_what_to_do(error: Exception, word: str) -> None:
    assert word in remedy_for(cause_of(error))
    assert bool(word) == bool(remedy_for(cause_of(error)))


def test_cause_fits_into_a_sentence():
    error = exceptions.ConnectionError("Error 111 connecting to h:1. Connection refused.")
    assert cause_of(error) == "Error 111 connecting to h:1. Connection refused"


def test_sentinels_that_do_not_answer_are_named_without_their_options() -> None:
    ports = free_port(), free_port()
    places = ",".join(f"{HOST}:{port}" for port in ports)
    url = f"redis+sentinel://{places}/shop?sentinel_password=secret"
    with pytest.raises(exceptions.ConnectionError) as raised:
        open_sentinel(read_address(url), 1).discover_master("shop")
    cause = cause_of(raised.value)
    assert cause.startswith(NONE)
    assert [f"{HOST}:{port}" in cause for port in ports] == [True, True]
    assert "secret" not in cause
    assert "start the Sentinels" in remedy_for(cause)


class _OpenConnection(Connection):
    """Needs no server."""

    async def connect(self) -> None:
        pass

    async def can_read(self, *_: object, **__: object) -> bool:
        return False


async def test_pool_without_a_free_connection_is_no_failure_of_redis() -> None:
    pool = BlockingConnectionPool(1, timeout=0.01, connection_class=_OpenConnection)
    await pool.get_connection()
    with pytest.raises(exceptions.ConnectionError) as failed:
        await pool.get_connection()
    assert cause_of(failed.value) == OWN_CONNECTIONS_BUSY
    assert is_own_limit(failed.value)
    assert "max_connections" in remedy_for(cause_of(failed.value))


def test_pool_that_does_not_wait_says_the_same() -> None:
    assert cause_of(exceptions.MaxConnectionsError("Too many connections")) == OWN_CONNECTIONS_BUSY
    assert not is_own_limit(exceptions.ConnectionError("max number of clients reached"))
