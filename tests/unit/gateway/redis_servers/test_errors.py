import pytest
from redis import exceptions
from redis.sentinel import MasterNotFoundError, Sentinel
from sockgate_gateway.redis_servers.errors import cause_of, remedy_for

from tests.ports import HOST, free_port


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
        (MasterNotFoundError("No master found for 'shop'"), "service"),
        (exceptions.ResponseError("unknown command 'SENTINEL', with args"), "26379"),
        (exceptions.ResponseError("unknown command 'HSET', with args"), "redis+sentinel://"),
        (exceptions.RedisError("something else"), ""),
    ],
)
def test_remedy_names_what_to_do(error: Exception, word: str) -> None:
    assert word in remedy_for(cause_of(error))
    assert bool(word) == bool(remedy_for(cause_of(error)))


def test_sentinels_that_do_not_answer_are_named_without_their_options() -> None:
    ports = free_port(), free_port()
    sentinel = Sentinel([(HOST, port) for port in ports], sentinel_kwargs={"password": "secret"})
    with pytest.raises(MasterNotFoundError) as raised:
        sentinel.discover_master("shop")
    cause = cause_of(raised.value)
    expected = ", ".join(f"{HOST}:{port} ConnectionError" for port in ports)
    assert cause == f"No master found for 'shop' : {expected}"
    assert "start the Sentinels" in remedy_for(cause)
