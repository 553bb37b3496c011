"""The faults: each is caused while its block runs, and has ended when the block has."""

import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from secrets import token_urlsafe
from threading import Event, Thread
from time import sleep
from typing import cast

from redis import Redis
from sockgate_gateway.wire.key_ids import key_id

from tests.drills.crowd import Crowd
from tests.drills.disks import may_mount
from tests.drills.site import Site
from tests.drills.stores import Alone, Followed, Sharded, Store
from tests.integration.gatewayprocess import NAMES, children
from tests.waiting import wait_until

MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")
FILLER = '{"event":"filler","data":"' + 900_000 * "x" + '"}'
RESTART_S = 1
"""As ``RestartSec=`` of the unit."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Args:
        name: in the table.
        happen: causes it for the time of its block.
        cause: what readiness or log must say of it within a minute: a regular expression.
        lasts_s: how long it goes on.
        store: the Redis that it needs.
        may_happen: whether this machine lets it happen.
    """

    name: str
    happen: Callable[[Site, Crowd], AbstractContextManager[None]]
    cause: str
    lasts_s: float = 3
    store: type[Store] = Alone
    may_happen: Callable[[], bool] = lambda: True


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGCONT)


# A host.


@contextmanager
def worker_killed(site: Site, crowd: Crowd) -> Iterator[None]:
    os.kill(site.hosts[0].workers[0], signal.SIGKILL)
    yield


@contextmanager
def worker_stopped(site: Site, crowd: Crowd) -> Iterator[None]:
    with _stopped(site.hosts[0].workers[0]):
        yield


@contextmanager
def worker_slow(site: Site, crowd: Crowd) -> Iterator[None]:
    pids, is_over = site.hosts[0].workers, Event()

    def pulse() -> None:
        while not is_over.is_set():
            for signum, seconds in ((signal.SIGSTOP, 2), (signal.SIGCONT, 0.2)):
                for pid in pids:
                    os.kill(pid, signum)
                is_over.wait(seconds)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    pulsing = Thread(target=pulse)
    pulsing.start()
    yield
    is_over.set()
    pulsing.join()


@contextmanager
def supervisor_killed(site: Site, crowd: Crowd) -> Iterator[None]:
    host = site.hosts[0]
    workers = children(host.supervisor)
    host.server.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    sleep(RESTART_S)  # So long systemd waits.
    host.start()
    yield


@contextmanager
def supervisor_stopped(site: Site, crowd: Crowd) -> Iterator[None]:
    with _stopped(site.hosts[0].supervisor):
        yield


@contextmanager
def host_lost(site: Site, crowd: Crowd) -> Iterator[None]:
    site.hosts[0].end()
    yield
    site.hosts[0].start()


@contextmanager
def host_restarted(site: Site, crowd: Crowd) -> Iterator[None]:
    site.hosts[0].stop()
    site.hosts[0].start()
    yield


@contextmanager
def host_drained_late(site: Site, crowd: Crowd) -> Iterator[None]:
    """Send SIGTERM while new clients come, with ``SOCKGATE_DRAIN_DELAY``."""
    host = site.hosts[0]
    host.stop()
    host.variables["SOCKGATE_DRAIN_DELAY"] = "5"
    host.start()
    os.kill(host.supervisor, signal.SIGTERM)
    crowd.join(6)
    yield
    del host.variables["SOCKGATE_DRAIN_DELAY"]
    host.stop()
    host.start()


@contextmanager
def root_read_only(site: Site, crowd: Crowd) -> Iterator[None]:
    host = site.hosts[0]
    host.stop()
    with host.read_only():
        host.start()
    yield


@contextmanager
def clock_stepped(site: Site, crowd: Crowd) -> Iterator[None]:
    site.hosts[0].set_clock(-3600.0)
    crowd.join(4)
    yield
    site.hosts[0].set_clock(0.0)


@contextmanager
def names_lost(site: Site, crowd: Crowd) -> Iterator[None]:
    """Let the hosts find no address for Redis, and lose the connections that they have."""
    texts = [host.names.read_text() for host in site.hosts]
    for host in site.hosts:
        host.names.write_text("127.0.0.1 localhost\n")
    cast(Alone, site.store).relay.cut()
    yield
    for host, text in zip(site.hosts, texts, strict=True):
        host.names.write_text(text)


@contextmanager
def descriptors_used(site: Site, crowd: Crowd) -> Iterator[None]:
    """Take away all descriptors that are not in use, while new clients come."""
    former = {}
    for pid in site.hosts[0].workers:
        used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        former[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, former[pid][1]))
    crowd.join(6)
    yield
    for pid, limits in former.items():
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


def fill(disk: Path) -> Path:
    """Leave no room on a disk, and return the file that takes it."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    return filler


@contextmanager
def memory_used(site: Site, crowd: Crowd) -> Iterator[None]:
    """Leave a worker half a MiB more than it has, and let it need more: the kernel kills it."""
    worker = site.hosts[0].workers[0]
    group = MEMORY_GROUPS / f"sockgate-drill-{worker}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(512 * 1024))
        (group / "cgroup.procs").write_text(str(worker))
        with _of(site) as redis, redis.pipeline() as pipeline:
            for _ in range(20):
                pipeline.publish(NAMES.channel("broadcast"), FILLER)
            pipeline.execute()
        yield
    finally:
        wait_until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


@contextmanager
def log_disk_full(site: Site, crowd: Crowd) -> Iterator[None]:
    """Fill the disk on which a host writes its log, while it has much to say."""
    host = site.hosts[0]
    filler = fill(host.log.parent)
    _restart_proxy(site)
    yield
    filler.unlink()
    _restart_proxy(site)
    wait_until(lambda: "event=log_lines_dropped" in host.log.read_text(errors="replace"))


# The proxy.


@contextmanager
def proxy_restarted(site: Site, crowd: Crowd) -> Iterator[None]:
    _restart_proxy(site)
    yield


def _restart_proxy(site: Site) -> None:
    site.proxy.stop()
    sleep(RESTART_S)  # So long it is away.
    site.proxy.start()


# Redis.


def _of(site: Site) -> Redis:
    return cast(Alone, site.store).client()


@contextmanager
def redis_killed(site: Site, crowd: Crowd) -> Iterator[None]:
    server = cast(Alone, site.store).server
    server._process.kill()
    server._process.wait()
    server.stop()
    yield
    server.start()


@contextmanager
def redis_stopped(site: Site, crowd: Crowd) -> Iterator[None]:
    with _stopped(cast(Alone, site.store).server._process.pid):
        yield


@contextmanager
def redis_slow(site: Site, crowd: Crowd) -> Iterator[None]:
    relay = cast(Alone, site.store).relay
    relay.delay_s = 0.2
    crowd.join(4)
    yield
    relay.delay_s = 0.0


@contextmanager
def redis_full(site: Site, crowd: Crowd) -> Iterator[None]:
    with _of(site) as redis:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("maxmemory", 1)
        yield
        redis.config_set("maxmemory", 0)


@contextmanager
def redis_evicting(site: Site, crowd: Crowd) -> Iterator[None]:
    """Let Redis have less memory than it needs, and evict anything: the sessions, too."""
    with _of(site) as redis:
        redis.config_set("maxmemory-policy", "allkeys-random")
        redis.config_set("maxmemory", redis.info("memory")["used_memory"] + 400_000)
        wait_until(lambda: _evicts(redis))
        yield
        redis.config_set("maxmemory", 0)
        redis.config_set("maxmemory-policy", "noeviction")


_fillers = cycle(range(1_000_000))


def _evicts(redis: Redis) -> bool:
    """Write on, until no session is left."""
    for _ in range(50):
        redis.set(f"filler:{next(_fillers)}", "x" * 2000)
    return not redis.keys(NAMES.session("*"))


@contextmanager
def redis_disk_full(site: Site, crowd: Crowd) -> Iterator[None]:
    filler = fill(cast(Alone, site.store).disk)
    yield
    filler.unlink()


@contextmanager
def password_changed(site: Site, crowd: Crowd) -> Iterator[None]:
    """Let Redis want a password that nobody has, for new connections."""
    with _of(site) as redis:
        redis.config_set("requirepass", "a-new-password")
        mine = redis.client_id()
        for client in redis.client_list():
            if int(client["id"]) != mine:
                redis.client_kill_filter(_id=client["id"])
        yield
        redis.config_set("requirepass", "")


@contextmanager
def redis_failed_over(site: Site, crowd: Crowd) -> Iterator[None]:
    store = cast(Followed, site.store)
    old = store.kill_master()
    yield
    old.start()


@contextmanager
def redis_resharded(site: Site, crowd: Crowd) -> Iterator[None]:
    """Move the slots of the sessions and of the history to other nodes."""
    store = cast(Sharded, site.store)
    with store.client() as redis:
        keys = [NAMES.history("drill:numbers"), *map(bytes.decode, redis.keys(NAMES.session("*")))]
    for key in keys:
        store.move(key, (store.place_of(key) + 1) % 3)
    yield


@contextmanager
def keys_replaced(site: Site, crowd: Crowd) -> Iterator[None]:
    """Replace all signing keys after a leak, as docs/deploy.md says: hosts, then Django."""
    leaked = key_id(site.signing_key)
    site.use_key(token_urlsafe(48))
    for host in site.hosts:
        host.variables["SOCKGATE_REPLACED_KEYS"] = leaked
        host.stop()
        host.start()
    site.django.stop()
    site.django.start()
    yield
    for host in site.hosts:
        del host.variables["SOCKGATE_REPLACED_KEYS"]


def has_memory_groups() -> bool:
    return os.access(MEMORY_GROUPS, os.W_OK) and os.getuid() == 0


_HOSTS = (
    Fault("a worker is killed", worker_killed, r"worker_ended"),
    Fault("a worker is stopped (SIGSTOP)", worker_stopped, "worker_hung", 25),
    Fault("a host's workers run a tenth of the time, in turns of 2 s", worker_slow, "loop_lag", 25),
    Fault("a supervisor is killed", supervisor_killed, "supervisor_ended|no answer"),
    Fault("a supervisor is stopped (SIGSTOP)", supervisor_stopped, "supervisor: silent", 15),
    Fault("a host is lost, and comes back after 10 s", host_lost, "no answer", 10),
    Fault("a host is restarted (SIGTERM)", host_restarted, "stop"),
    Fault("the same with `SOCKGATE_DRAIN_DELAY=5`", host_drained_late, "stop", 6),
    Fault("a host starts with a read-only root", root_read_only, "", may_happen=may_mount),
    Fault("a host's clock is an hour behind", clock_stepped, "clock", 20),
    Fault("no descriptors are left", descriptors_used, "accept_paused", 8),
    Fault("no memory is left", memory_used, "worker_ended", 5, may_happen=has_memory_groups),
    Fault("the disk of a log is full", log_disk_full, "log_lines_dropped", may_happen=may_mount),
    Fault("nginx is restarted", proxy_restarted, ""),
    Fault("all signing keys are replaced", keys_replaced, "stop|no answer"),
)
_REDIS = (
    Fault("no address for Redis (DNS)", names_lost, "(?i)name|resol", 12, may_happen=may_mount),
    Fault("Redis is killed, and back after 5 s", redis_killed, "link_lost", 5),
    Fault("Redis is stopped (SIGSTOP) for 8 s", redis_stopped, "link_lost|no probe", 8),
    Fault("Redis answers 200 ms late", redis_slow, "Redis is slow", 20),
    Fault("Redis has no memory left (`noeviction`)", redis_full, "memory is full", 20),
    Fault("Redis's disk is full", redis_disk_full, "its disk", 20, may_happen=may_mount),
    Fault("Redis has another password", password_changed, "(?i)auth|password", 12),
    Fault("Redis evicts the sessions", redis_evicting, "evict", 20),
    Fault("Redis fails over (Sentinels)", redis_failed_over, "link_lost|master", 5, Followed),
    Fault("a cluster is resharded", redis_resharded, "", 5, Sharded),
)
ALL = (*_HOSTS, *_REDIS)
