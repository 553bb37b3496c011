"""A worker that hangs is replaced, one that is slow is not, and the host says which it is."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from sockgate_gateway.wire.closecodes import CloseCode
from websockets.exceptions import ConnectionClosed

from tests.integration.gatewayprocess import ANSWER_LIMIT_S, Gateway, receive_close, receive_frame
from tests.integration.test_supervisor import (
    StartGateway,
    answer_all,
    children_of,
    count,
    host_child_of,
    runs,
    start,
    workers_of,
)
from tests.waiting import PATIENCE_WITH_PROCESSES_S, until

__all__ = ["start"]

pytestmark = pytest.mark.integration

LIMIT_S = 3
"""Far above what a busy machine delays, far below what a test may wait."""


def reasons(gateway: Gateway) -> list[str]:
    return gateway.ask_host()["reasons"]


async def test_stopped_worker_is_named_killed_and_replaced(start: StartGateway) -> None:
    gateway = start(workers=2, hang_timeout=LIMIT_S)
    await until(lambda: gateway.ask_host()["ready"])
    stopped, other = workers_of(gateway)
    os.kill(stopped, signal.SIGSTOP)
    await until(lambda: any("no sign of its event loop" in reason for reason in reasons(gateway)))
    await until(lambda: count(gateway, "worker_hung") == 1)
    await until(lambda: stopped not in workers_of(gateway) and len(workers_of(gateway)) == 2)
    assert other in workers_of(gateway)
    await until(lambda: gateway.ask_host()["ready"])
    log = gateway.log.read_text()
    assert f"pid={stopped} cause='no sign of its event loop for" in log
    assert "it did nothing: it is blocked or stopped" in log
    (number,) = {line.split("number=")[1][0] for line in log.splitlines() if "worker_hung" in line}
    restarts = f'sockgate_worker_restarts_total{{cause="hung",worker="{number}"}}'
    await until(lambda: gateway.host_metrics().get(restarts) == 1)


async def test_clients_of_a_hung_worker_come_back(start: StartGateway, django) -> None:
    """Its sockets close when it is killed, so pages reconnect."""
    gateway = start(workers=2, hang_timeout=LIMIT_S)
    await until(lambda: answer_all(gateway, 2))
    token = django.log_in("sid")
    async with gateway.welcomed(token) as browser:
        for pid in workers_of(gateway):
            os.kill(pid, signal.SIGSTOP)
        with pytest.raises(ConnectionClosed):
            await receive_frame(browser)
    await until(lambda: count(gateway, "worker_hung") == 2)
    await until(lambda: answer_all(gateway, 2))
    async with gateway.welcomed(token) as browser:
        django.publish("user:7", "served again")
        assert (await receive_frame(browser))["data"] == "served again"


@contextmanager
def burners(count: int) -> Iterator[None]:
    """Programs that use all of the processor."""
    command = [sys.executable, "-c", "while True: pass"]
    programs = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


@contextmanager
def throttled(pids: list[int]) -> Iterator[Event]:
    """Let processes run for a twentieth of the time, as a CPU quota does."""
    is_over = Event()

    def pulse() -> None:
        while not is_over.is_set():
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            is_over.wait(0.19)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            is_over.wait(0.01)

    pulsing = Thread(target=pulse)
    pulsing.start()
    try:
        yield is_over
    finally:
        is_over.set()
        pulsing.join()


async def test_slow_worker_is_not_killed(start: StartGateway, django) -> None:
    """It has a twentieth of a processor, beside two programs that use all there is."""
    gateway = start(workers=2, hang_timeout=LIMIT_S)
    await until(lambda: gateway.ask_host()["ready"])
    workers = workers_of(gateway)
    silence = Silences(gateway, 2 * LIMIT_S)
    with burners(2), throttled(workers):
        await until(silence.is_long_enough)
        async with gateway.welcomed(django.log_in("sid")) as browser:
            django.publish("user:7", "slow, not hung")
            assert (await receive_frame(browser))["data"] == "slow, not hung"
    assert workers_of(gateway) == workers
    assert count(gateway, "worker_hung") == 0


class Silences:
    """Count rounds of a supervisor, by the reports of how it is."""

    def __init__(self, gateway: Gateway, rounds: int) -> None:
        self._gateway = gateway
        self._rounds = rounds
        self._seen: set[str] = set()

    def is_long_enough(self) -> bool:
        pid = self._gateway.process.pid
        status = Path(f"/proc/{pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("voluntary"))
        self._seen.add(line)  # It goes to sleep once in each round.
        return len(self._seen) > self._rounds


async def test_supervisor_that_was_stopped_kills_nobody_and_is_missed(start: StartGateway) -> None:
    gateway = start(workers=2, hang_timeout=LIMIT_S)
    await until(lambda: gateway.ask_host()["ready"])
    workers = workers_of(gateway)
    gateway.process.send_signal(signal.SIGSTOP)
    await until(lambda: "supervisor: silent" in "".join(reasons(gateway)))
    assert gateway.ask_ops("/health", -1)[0] == 503
    assert answer_all(gateway, 2), "the workers serve without it"
    gateway.process.send_signal(signal.SIGCONT)
    await until(lambda: gateway.ask_host()["ready"])
    assert workers_of(gateway) == workers
    assert count(gateway, "worker_hung") == 0


async def test_everything_that_was_stopped_together_goes_on(start: StartGateway) -> None:
    """As a container that is paused, or a computer that sleeps."""
    gateway = start(workers=2, hang_timeout=LIMIT_S)
    await until(lambda: gateway.ask_host()["ready"])
    processes = [gateway.process.pid, *children_of(gateway)]
    workers = workers_of(gateway)
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    await until(lambda: all(" T " in stat_of(pid) for pid in processes))
    subprocess.run(["sleep", str(2 * LIMIT_S)], check=True)  # What is stopped has no condition.
    for pid in processes:
        os.kill(pid, signal.SIGCONT)
    await until(lambda: gateway.ask_host()["ready"])
    assert workers_of(gateway) == workers
    assert count(gateway, "worker_hung") == 0


def stat_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text()


async def test_child_that_answers_for_the_host_is_replaced_too(start: StartGateway) -> None:
    gateway = start(workers=2, hang_timeout=LIMIT_S)
    await until(lambda: gateway.ask_host()["ready"])
    child = host_child_of(gateway)
    os.kill(child, signal.SIGSTOP)
    await until(lambda: not runs(child))
    await until(lambda: host_child_of(gateway) not in (None, child))
    await until(lambda: gateway.ask_host()["ready"])


async def test_metrics_of_the_host_answer_while_a_worker_hangs(start: StartGateway, django) -> None:
    gateway = start(workers=2)
    await until(lambda: gateway.ask_host()["ready"])
    async with gateway.welcomed(django.log_in("sid")):
        await until(lambda: sum_of(gateway, "sockgate_opened_total") == 1)
        stopped = workers_of(gateway)[0]
        os.kill(stopped, signal.SIGSTOP)
        await until(lambda: any("no sign" in reason for reason in reasons(gateway)))
        found = gateway.host_metrics()
        assert found["sockgate_host_ready"] == 0
        assert sum_of(gateway, "sockgate_opened_total") == 1, found
        ages = [v for name, v in found.items() if name.startswith("sockgate_worker_heartbeat_age")]
        assert max(ages) > 1
        os.kill(stopped, signal.SIGCONT)
        await until(lambda: gateway.ask_host()["ready"])


def sum_of(gateway: Gateway, name: str) -> float:
    return sum(value for key, value in gateway.host_metrics().items() if key.startswith(name))


async def test_no_child_outlives_a_supervisor_that_was_killed(start: StartGateway) -> None:
    gateway = start(workers=2, drain_timeout=0.1)
    await until(lambda: gateway.ask_host()["ready"])
    children = children_of(gateway)
    gateway.process.kill()
    await until(lambda: not any(map(runs, children)))
    assert gateway.log.read_text().count("event=supervisor_ended ") == 2


async def test_restarted_workers_keep_the_host_ready(start: StartGateway, django) -> None:
    gateway = start(workers=2, drain_timeout=LIMIT_S)
    await until(lambda: gateway.ask_host()["ready"])
    async with gateway.welcomed(django.log_in("sid")) as browser:
        gateway.process.send_signal(signal.SIGHUP)
        seen = []
        await until(lambda: seen.append(gateway.ask_host()) or count(gateway, "started") == 4)
        assert (await receive_close(browser))[0] == CloseCode.DRAIN
    assert any("restarting" in note for answer in seen for note in answer["degraded"])
    assert [answer for answer in seen if not answer["ready"]] == []


LOOPING = """
import asyncio, runpy, sys, threading, signal
def hang(*_):
    while True: pass
signal.signal(signal.SIGUSR1, hang)
sys.argv = ["sockgate"]
runpy.run_module("sockgate_gateway", run_name="__main__")
"""


async def test_single_worker_that_loops_shows_where_and_ends(redis_server, tmp_path) -> None:
    """It has no supervisor: systemd or the container starts it again."""
    program = tmp_path / "looping.py"
    program.write_text(LOOPING)
    gateway = Gateway(redis_server.connection_url, tmp_path / "log", hang_timeout=LIMIT_S)
    gateway.start(sys.executable, str(program))
    try:
        gateway.process.send_signal(signal.SIGUSR1)
        await asyncio.to_thread(gateway.process.wait, PATIENCE_WITH_PROCESSES_S)
    finally:
        if gateway.process.poll() is None:
            gateway.process.kill()
        gateway.process.wait(ANSWER_LIMIT_S)
    assert gateway.process.returncode == 1
    log = gateway.log.read_text()
    assert "event=worker_hung" in log
    assert "it loops" in log
    assert "in hang" in log, "the stack says where"
