"""What the supervisor decides: against processes that only write down, and a clock that is set."""

import signal
from collections.abc import Iterator
from itertools import pairwise

import pytest
from sockgate_gateway.server.supervisor import (
    DELAYS_S,
    KILL_GRACE_S,
    READY,
    SETTLED_S,
    ReceivedSignal,
    Supervisor,
)

DRAIN_S = 10.0
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


def supervise(script, count=2, find_problems=lambda: []) -> tuple[FakeProcesses, int]:
    processes = FakeProcesses(script)
    supervisor = Supervisor(
        processes,
        count=count,
        find_problems=find_problems,
        clock=processes.clock,
        drain_timeout_s=DRAIN_S,
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
