"""The benchmark of sharded publications runs, and its figures are those of publications."""

import pytest
from sockgate_gateway.wire.addresses import PubSub
from sockgate_gateway.wire.namespaces import Policy

from benchmarks import sharded

pytestmark = pytest.mark.integration


def test_publications_of_both_commands_are_measured(tmp_path, monkeypatch):
    for name, value in (("CHANNELS", 60), ("PUBLICATIONS", 6000), ("IDLE_S", 0.1)):
        monkeypatch.setattr(sharded, name, value)
    nodes = sharded.Nodes(tmp_path, 3)
    try:
        nodes.start()
        for pubsub in (PubSub.CLASSIC, PubSub.SHARDED):
            for policy in (None, Policy()):
                assert sharded.measure(nodes, pubsub, policy) > 0
        found = [client.info("commandstats") for client in nodes.clients]
        assert all({"cmdstat_spublish", "cmdstat_publish"} <= info.keys() for info in found)
    finally:
        nodes.stop()
