"""What the supervisor decides: against processes that only write down, and a clock that is set."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from math import inf
from socket import AF_UNIX, SOCK_DGRAM, socket

import msgspec
import pytest
from sockgate_gateway.server.processes import ReceivedSignal
from sockgate_gateway.server.supervisor import (
    DELAYS_S,
    HOST_OPS_RETRY_S,
    KILL_GRACE_S,
    SETTLED_S,
    STACKS_S,
    Supervisor,
)
from sockgate_gateway.server.watch.reports import (
    HOST_OPS,
    HostStatus,
    Report,
    WorkerReport,
    WorkerStatus,
    read_report,
)
from sockgate_gateway.server.watch.service_notifier import ServiceNotifier
from sockgate_gateway.server.watch.silence import SLOW_FACTOR, SilenceWatch
from sockgate_gateway.server.worker_process import READY, SHOW_STACKS

DRAIN_S, LIMIT_S = 10.0, 10.0
TERM, QUIT, KILL, HUP = signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL, signal.SIGHUP


class FakeProcesses:
    """Workers that run until a script ends them; waiting advances the clock.

    The script is a generator: each step acts on the processes, and yields a signal to receive,
    or None to let the time run to the next deadline.
    """

    def __init__(self, script) -> None:
        self.now = 100.0
        self.alive: dict[int, int] = {}
        self.starts: list[tuple[float, int]] = []
        self.sent: list[tuple[int, signal.Signals]] = []
        self.forks_left = 10**6
        self._dead: list[tuple[int, int]] = []
        self.reported: list[bytes] = []
        self.passed_on: list[Report] = []
        self.cpu_s = 0.0
        self._next_pid = 1000
        self._script = script(self)

    def clock(self) -> float:
        return self.now

    def start(self, number: int) -> int:
        if not self.forks_left:
            raise BlockingIOError("no more processes")
        self.forks_left -= 1
        self._next_pid += 1
        self.alive[self._next_pid] = number
        self.starts.append((self.now, number))
        return self._next_pid

    def send(self, pid: int, signum: signal.Signals) -> None:
        self.sent.append((self.alive[pid], signum))

    def wait(self, timeout_s: float | None) -> ReceivedSignal | None:
        received = next(self._script)
        if received is None:
            assert timeout_s is not None, "it would wait forever"
            self.now += timeout_s
        return received

    def reports(self) -> Iterator[bytes]:
        reported, self.reported = self.reported, []
        yield from reported

    def pass_on(self, number: int, raw: bytes) -> None:
        assert number == HOST_OPS
        self.passed_on.append(read_report(raw))

    def report(self, *numbers: int, is_ready: bool = True) -> None:
        """Let workers report."""
        for number in numbers:
            report = WorkerReport(number, self.pid(number), is_ready, [], [], {})
            self.reported.append(msgspec.json.encode(report))

    def status(self) -> list[WorkerStatus]:
        """Return what the supervisor has passed on last about all workers."""
        return next(one for one in reversed(self.passed_on) if isinstance(one, HostStatus)).workers

    def ended(self) -> Iterator[tuple[int, int]]:
        dead, self._dead = self._dead, []
        yield from dead

    def pid(self, number: int) -> int:
        return next(pid for pid, other in self.alive.items() if other == number)

    def die(self, *numbers: int, exit_code: int = 1) -> ReceivedSignal:
        for number in numbers:
            pid = self.pid(number)
            del self.alive[pid]
            self._dead.append((pid, exit_code))
        return ReceivedSignal(signal.SIGCHLD, 0)

    def ready(self, number: int) -> ReceivedSignal:
        return ReceivedSignal(READY, self.pid(number))

    def stop(self) -> Iterator[ReceivedSignal]:
        """End the script: all workers obey SIGTERM."""
        yield ReceivedSignal(TERM, 1)
        yield self.die(*self.alive.values(), exit_code=0)


def supervise(
    script, count=2, find_problems=lambda: [], *, round_s=inf, environ=None, has_host_ops=False
) -> tuple[FakeProcesses, int]:
    processes = FakeProcesses(script)
    supervisor = Supervisor(
        processes,
        count=count,
        find_problems=find_problems,
        clock=processes.clock,
        drain_timeout_s=DRAIN_S,
        watch=SilenceWatch(LIMIT_S, lambda _: processes.cpu_s),
        notifier=ServiceNotifier({} if environ is None else environ),
        round_s=round_s,
        has_host_ops=has_host_ops,
    )
    return processes, supervisor.run()


def test_all_workers_are_started_and_stopped():
    processes, status = supervise(lambda p: p.stop(), count=3)
    assert [number for _, number in processes.starts] == [0, 1, 2]
    assert processes.sent == [(0, TERM), (1, TERM), (2, TERM)]
    assert status == 0


def test_settled_workers_that_end_together_are_replaced_at_once():
    def script(p):
        p.now += SETTLED_S
        yield p.die(0, 1, 2)
        yield from p.stop()

    processes, _ = supervise(script, count=3)
    assert processes.starts[3:] == [(105.0, 0), (105.0, 1), (105.0, 2)]


def test_early_ends_grow_the_delay_until_it_gives_up(caplog):
    def script(p):
        for _ in DELAYS_S:
            yield p.die(0, exit_code=3)
            if 0 not in p.alive.values():
                yield None
        yield p.die(0, exit_code=3)
        yield p.die(1, exit_code=0)

    processes, status = supervise(script)
    moments = [moment for moment, number in processes.starts if number == 0]
    delays = [after - before for before, after in pairwise(moments)]
    assert tuple(delays) == DELAYS_S
    assert status == 1
    assert processes.sent == [(1, TERM)], "the others drain"
    assert "event=gave_up number=0" in caplog.text
    assert "ended 6 times in a row within 5 s of its start, last with exit code 3" in caplog.text


def test_worker_that_settles_begins_anew():
    def script(p):
        yield p.die(0)
        p.now += SETTLED_S
        yield p.die(0)
        yield p.die(0)
        yield from p.stop()

    processes, _ = supervise(script, count=1)
    assert [moment for moment, _ in processes.starts] == [100.0, 100.0, 105.0, 105.0]


def test_delayed_worker_waits_while_another_is_replaced():
    def script(p):
        yield p.die(0)
        yield p.die(0)
        p.now += 0.1
        yield p.die(1)
        yield from p.stop()

    processes, _ = supervise(script)
    assert processes.starts[-1] == (100.1, 1)


def test_stop_during_a_delay_starts_no_worker():
    def script(p):
        yield p.die(0)
        yield p.die(0)
        yield ReceivedSignal(TERM, 1)

    processes, status = supervise(script, count=1)
    assert len(processes.starts) == 2
    assert status == 0


def test_start_is_retried_when_the_system_has_no_room_for_a_process(caplog):
    def script(p):
        p.forks_left = 0
        yield p.die(0)
        p.forks_left = 10
        yield None
        yield from p.stop()

    processes, status = supervise(script, count=1)
    assert len(processes.starts) == 2
    assert status == 0
    assert "no more processes" in caplog.text


@pytest.mark.parametrize("second", [TERM, signal.SIGINT, QUIT])
def test_second_signal_is_passed_on_as_quit(second):
    def script(p):
        yield ReceivedSignal(TERM, 1)
        yield ReceivedSignal(second, 1)
        yield p.die(0, 1, exit_code=0)

    processes, _ = supervise(script)
    assert processes.sent == [(0, TERM), (1, TERM), (0, QUIT), (1, QUIT)]


def test_worker_that_does_not_end_is_killed(caplog):
    def script(p):
        yield ReceivedSignal(TERM, 1)
        yield None
        yield p.die(0, exit_code=-9)

    processes, _ = supervise(script, count=1)
    assert processes.now == 100.0 + DRAIN_S + KILL_GRACE_S
    assert processes.sent == [(0, TERM), (0, KILL)]
    assert "event=worker_killed number=0" in caplog.text


def test_hangup_restarts_the_next_when_all_are_ready_again(caplog):
    def script(p):
        yield ReceivedSignal(HUP, 1)
        assert p.sent == [], "no worker is ready yet"
        yield p.ready(0)
        yield p.ready(1)
        assert p.sent == [(0, TERM)]
        yield p.die(0, exit_code=0)
        yield ReceivedSignal(signal.SIGCHLD, 0)
        assert p.sent == [(0, TERM)], "the new one is not ready"
        yield p.ready(0)
        assert p.sent == [(0, TERM), (1, TERM)]
        yield p.die(1, exit_code=0)
        yield ReceivedSignal(signal.SIGCHLD, 0)
        yield p.ready(1)
        assert len(p.sent) == 2
        yield from p.stop()

    processes, status = supervise(script)
    assert [number for _, number in processes.starts] == [0, 1, 0, 1]
    assert status == 0
    assert "worker_ended" not in caplog.text


def test_hangup_with_a_broken_configuration_restarts_no_worker(caplog):
    def script(p):
        yield p.ready(0)
        yield ReceivedSignal(HUP, 1)
        assert p.sent == []
        yield from p.stop()

    supervise(script, count=1, find_problems=lambda: ["SOCKGATE_TLS_CERT: no such file"])
    assert "event=restart_refused cause='SOCKGATE_TLS_CERT: no such file'" in caplog.text


def test_restart_is_abandoned_when_the_new_worker_ends(caplog):
    def script(p):
        yield p.ready(0)
        yield p.ready(1)
        yield ReceivedSignal(HUP, 1)
        yield p.die(0, exit_code=0)
        yield p.die(0)
        yield p.ready(0)
        assert p.sent == [(0, TERM)], "the second goes on as it is"
        yield from p.stop()

    supervise(script)
    assert "event=restart_abandoned workers=1" in caplog.text


def rounds(p, count: int, *reporting: int) -> Iterator[None]:
    """Let rounds of the supervisor pass, in which these workers report."""
    for _ in range(count):
        p.report(*reporting)
        yield None


def test_worker_that_is_silent_is_killed_and_replaced(caplog):
    def script(p):
        yield from rounds(p, 30, 0, 1)
        yield from rounds(p, int(LIMIT_S), 1)
        assert p.sent == [(0, SHOW_STACKS)]
        assert p.status()[0].state == "hung"
        yield from rounds(p, int(STACKS_S), 1)
        assert p.sent[1:] == [(0, KILL)]
        yield p.die(0, exit_code=-9)
        yield from rounds(p, 2, 0, 1)
        assert p.status()[0].restarts == {"hung": 1}
        yield from p.stop()

    processes, status = supervise(script, round_s=1)
    assert [number for _, number in processes.starts] == [0, 1, 0]
    assert status == 0
    assert "event=worker_hung number=0 pid=1001 cause='no sign of its event loop" in caplog.text


def test_worker_that_is_only_slow_is_not_killed():
    def script(p):
        yield from rounds(p, 1, 0, 1)
        for _ in range(SLOW_FACTOR * int(LIMIT_S) - 1):
            p.cpu_s += 0.1
            yield from rounds(p, 1, 1)
        assert p.sent == []
        yield from p.stop()

    supervise(script, round_s=1)


def test_workers_are_not_judged_by_the_time_in_which_the_supervisor_was_stopped():
    def script(p):
        yield from rounds(p, 1, 0, 1)
        p.now += 3600
        yield None
        assert p.sent == []
        yield from p.stop()

    supervise(script, round_s=1)


def test_worker_that_hangs_at_every_start_is_started_after_growing_delays():
    def script(p):
        for _ in range(len(DELAYS_S)):
            while 0 not in p.alive.values():
                yield from rounds(p, 1, 1)
            yield from rounds(p, int(LIMIT_S + STACKS_S) + 1, 1)
            yield p.die(0, exit_code=-9)
        yield from p.stop()

    processes, _ = supervise(script, round_s=1)
    starts = [at for at, number in processes.starts if number == 0]
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > pauses[0]


def test_readiness_of_reports_lets_the_next_worker_restart_only_when_all_are_ready_now():
    def script(p):
        yield from rounds(p, 1, 0, 1)
        p.report(0, is_ready=False)
        yield None
        yield ReceivedSignal(HUP, 1)
        assert p.sent == []
        yield from rounds(p, 2, 0, 1)
        assert p.sent == [(0, TERM)]
        yield from p.stop()

    supervise(script, round_s=1)


def test_reports_are_passed_on_to_the_child_that_answers_for_the_host():
    def script(p):
        p.report(0, 1, HOST_OPS)
        yield None
        passed_on = [one.number for one in p.passed_on if isinstance(one, WorkerReport)]
        assert passed_on == [0, 1]
        assert [worker.state for worker in p.status()] == ["running", "running"]
        yield from p.stop()

    processes, _ = supervise(script, round_s=1, has_host_ops=True)
    assert [number for _, number in processes.starts] == [0, 1, HOST_OPS]


def test_child_that_answers_for_the_host_is_named_so_and_not_as_a_worker(caplog):
    def script(p):
        p.report(0, 1, HOST_OPS)
        yield None
        yield from rounds(p, int(LIMIT_S + STACKS_S), 0, 1)
        assert p.sent == [(HOST_OPS, SHOW_STACKS), (HOST_OPS, KILL)]
        p.forks_left = 0
        yield p.die(HOST_OPS)
        p.forks_left = 1
        yield from rounds(p, 2, 0, 1)
        yield from p.stop()

    supervise(script, round_s=1, has_host_ops=True)
    events = [record.getMessage().split()[0] for record in caplog.records]
    assert events == [
        "event=host_process_hung",
        "event=host_process_killed",
        "event=host_process_ended",
        "event=host_process_not_started",
        "event=host_process_ended",
    ]
    assert "-1 " not in caplog.text


def test_child_that_answers_for_the_host_ends_last_and_its_failures_stop_no_worker():
    def script(p):
        for _ in range(len(DELAYS_S) + 1):
            while HOST_OPS not in p.alive.values():
                yield from rounds(p, 1, 0, 1)
            yield p.die(HOST_OPS)
        yield from rounds(p, int(HOST_OPS_RETRY_S) + 1, 0, 1)
        assert HOST_OPS in p.alive.values()
        yield ReceivedSignal(TERM, 1)
        assert p.sent == [(0, TERM), (1, TERM)]
        yield p.die(0, 1, exit_code=0)
        assert p.sent[2:] == [(HOST_OPS, TERM)]
        yield p.die(HOST_OPS, exit_code=0)

    _, status = supervise(script, round_s=1, has_host_ops=True)
    assert status == 0


def test_systemd_is_notified_that_the_service_is_ready_when_all_workers_have_started(tmp_path):
    with socket(AF_UNIX, SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)

        def received() -> list[bytes]:
            found = []
            with suppress(BlockingIOError):
                while True:
                    found.append(systemd.recv(200))
            return found

        def script(p):
            yield from rounds(p, 1, 0)
            assert received() == [b"WATCHDOG=1", b"STATUS=1 of 2 workers are ready"]
            yield from rounds(p, 1, 0, 1)
            assert received()[:2] == [b"WATCHDOG=1", b"READY=1"]
            yield ReceivedSignal(TERM, 1)
            assert b"STOPPING=1" in received()
            yield p.die(0, 1, exit_code=0)

        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"}
        supervise(script, round_s=1, environ=environ)
