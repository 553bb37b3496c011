"""Which channels are published by ``SPUBLISH``."""

import pytest
from sockgate_gateway.wire.addresses import PubSub
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.publish_request import PublishRequest
from sockgate_gateway.wire.tenants import in_tenant

NAMES = [Names(), Names(channel_prefix="shop:rt_"), Names(channel_prefix="a:", database=3)]
SHARDED = ("user:7", "room:7", "orders", "groups:7", "broadcasts", "broadcast:7")
CLASSIC = ("broadcast", "group:editors", "group:a:b")


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("tenant", ["", "acme"])
def test_private_and_named_channels_have_a_shard(names, tenant):
    def has_shard(channel: str) -> bool:
        return names.has_shard(names.channel(in_tenant(tenant, channel)))

    assert [has_shard(channel) for channel in SHARDED] == [True] * len(SHARDED)
    assert [has_shard(channel) for channel in CLASSIC] == [False] * len(CLASSIC)
    assert not names.has_shard(names.control)
    assert not names.has_shard(names.probe("worker"))


@pytest.mark.parametrize(
    ("request_", "place"),
    [
        (PublishRequest("user:7", b"1"), 0),
        (PublishRequest("user:7", b"1", Policy()), 12),
        (PublishRequest("user:7", b"1", is_touch=True), 7),
    ],
)
def test_command_to_publish_is_that_of_the_channel_and_the_cluster(request_, place):
    def command(pubsub: PubSub) -> object:
        return request_.command(Names(pubsub=pubsub))[place]

    found = [command(way) for way in (PubSub.CLASSIC, PubSub.BOTH, PubSub.SHARDED)]
    assert found == ["PUBLISH", "PUBLISH", "SPUBLISH"]


def test_touch_of_an_account_that_may_only_publish_is_sharded():
    touch = PublishRequest("orders", b"{}", is_touch=True)
    assert touch.without_mark(Names(pubsub=PubSub.SHARDED))[0] == "SPUBLISH"
    assert touch.without_mark(Names(pubsub=PubSub.BOTH))[0] == "PUBLISH"


def test_broadcast_is_never_sharded():
    assert PublishRequest("broadcast", b"1").command(Names(pubsub=PubSub.SHARDED))[0] == "PUBLISH"
