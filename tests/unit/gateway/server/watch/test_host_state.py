"""Readiness and metrics of a host, from the reports of its workers."""

import pytest
from sockgate_gateway.histogram import ROUNDS
from sockgate_gateway.server.watch.host_state import SILENT_S, SUPERVISOR_SILENT_S, HostState
from sockgate_gateway.server.watch.reports import HostStatus, WorkerReport, WorkerStatus


class Clock:
    now = 100.0

    def read(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(clock) -> HostState:
    return HostState(clock.read, lambda pid: {"process_open_fds": float(pid)})


def worker(number, pid=None, state="running", silent_s=0.5, **restarts) -> WorkerStatus:
    return WorkerStatus(number, 10 + number if pid is None else pid, state, silent_s, restarts)


def report(number, pid=None, reasons=(), notes=(), **counts) -> WorkerReport:
    evicted = counts.pop("evicted", 0)
    readings = {
        "sockgate_closed_total": [((code[1:],), value) for code, value in counts.items()],
        "sockgate_connections": [((), 7.0)],
        "sockgate_redis_evicted_keys_total": [((), evicted)],
        "sockgate_audit_seconds": [((), [2.0, 1.0, *[0.0] * (len(ROUNDS) - 1), 4.5])],
    }
    pid = 10 + number if pid is None else pid
    return WorkerReport(number, pid, not reasons, list(reasons), list(notes), readings)


def samples(state: HostState) -> dict[str, float]:
    found = [sample for metric in state.metrics() for sample in metric.samples]
    return {"/".join((s.name, *(s.labels[k] for k in sorted(s.labels)))): s.value for s in found}


def receive(state: HostState, *reports) -> None:
    for one in reports:
        state.receive(one)


def test_host_is_ready_when_every_worker_is(state):
    receive(state, report(0), report(1), HostStatus([worker(0), worker(1)]))
    readiness = state.readiness()
    assert (readiness.is_ready, readiness.reasons, readiness.notes) == (True, [], [])


def test_reasons_name_the_worker(state):
    late = report(1, reasons=["no probe for 5.1 s"])
    receive(state, report(0, notes=["Redis is slow"]), late, HostStatus([worker(0), worker(1)]))
    readiness = state.readiness()
    assert not readiness.is_ready
    assert readiness.reasons == ["worker 1: no probe for 5.1 s"]
    assert readiness.notes == ["worker 0: Redis is slow"]


def test_silent_worker_is_a_reason_although_its_last_report_was_good(state):
    silent = worker(1, silent_s=SILENT_S + 1)
    receive(state, report(0), report(1), HostStatus([worker(0), silent]))
    assert state.readiness().reasons == ["worker 1: no sign of its event loop for 6.0 s"]


@pytest.mark.parametrize("word", ["starting", "restarting", "ended"])
def test_worker_that_does_not_listen_is_only_noted(state, word):
    receive(state, report(0), report(1), HostStatus([worker(0), worker(1, state=word)]))
    readiness = state.readiness()
    assert (readiness.is_ready, readiness.notes) == (True, [f"worker 1: {word}"])


def test_host_without_a_worker_that_serves_is_not_ready(state):
    receive(state, HostStatus([worker(0, state="ended"), worker(1, state="starting")]))
    expected = ["worker 0: ended", "worker 1: starting", "no worker serves"]
    assert (state.readiness().reasons, state.readiness().notes) == (expected, [])


def test_host_says_that_nothing_is_known_yet(state):
    assert state.readiness().reasons == ["supervisor: no report yet", "no worker serves"]


def test_host_without_its_supervisor_is_not_ready(state, clock):
    receive(state, report(0), HostStatus([worker(0)]))
    clock.now += SUPERVISOR_SILENT_S
    assert not state.is_watched
    assert state.readiness().reasons == [
        "supervisor: silent for 10.0 s, so nobody watches the workers"
    ]


def test_counters_are_added_up_and_gauges_keep_the_worker(state):
    workers = HostStatus([worker(0), worker(1, hung=2)])
    receive(state, report(0, c3001=2), report(1, c3001=3, c4402=1), workers)
    found = samples(state)
    assert (found["sockgate_closed_total/3001"], found["sockgate_closed_total/4402"]) == (5, 1)
    assert (found["sockgate_connections/0"], found["sockgate_connections/1"]) == (7, 7)
    assert found["sockgate_host_ready"] == 1
    assert found["sockgate_worker_restarts_total/hung/1"] == 2
    assert found["sockgate_worker_heartbeat_age_seconds/0"] == 0.5


def test_counters_of_a_worker_that_was_replaced_stay_in_the_sum(state):
    receive(state, report(0, c3001=100), HostStatus([worker(0)]))
    receive(state, report(0, c3001=100), report(0, pid=77, c3001=1), HostStatus([worker(0, 77)]))
    assert samples(state)["sockgate_closed_total/3001"] == 101


def test_gauges_of_a_worker_that_has_ended_are_gone_and_its_counters_stay(state):
    ended = WorkerStatus(0, None, "ended", 0.0, {})
    receive(state, report(0, c3001=4), HostStatus([ended]))
    found = samples(state)
    assert "sockgate_connections/0" not in found
    assert found["sockgate_closed_total/3001"] == 4


def test_histograms_are_added_up(state):
    receive(state, report(0), report(1), HostStatus([worker(0), worker(1)]))
    receive(state, report(1, pid=99), HostStatus([worker(0), worker(1, 99)]))
    found = samples(state)
    assert found["sockgate_audit_seconds_bucket/1.0"] == 6
    assert found["sockgate_audit_seconds_count"] == found["sockgate_audit_seconds_bucket/+Inf"] == 9
    assert found["sockgate_audit_seconds_sum"] == 13.5


def test_evictions_that_each_worker_sees_are_counted_once(state):
    receive(state, report(0, evicted=5), report(1, evicted=3), HostStatus([worker(0), worker(1)]))
    receive(state, report(0, pid=77, evicted=1), HostStatus([worker(0, 77), worker(1)]))
    assert samples(state)["sockgate_redis_evicted_keys_total"] == 6


def test_known_labels_have_a_series_before_their_first_event(state):
    receive(state, report(0), HostStatus([worker(0)]))
    found = samples(state)
    assert found["sockgate_worker_restarts_total/hung/0"] == 0
    assert found["sockgate_closed_total/4500"] == 0


def test_counters_wait_for_the_report_of_each_worker_that_serves(state):
    """After a restart of this process, a sum of some would jump, as if much had happened."""
    receive(state, report(0, c3001=2), HostStatus([worker(0), worker(1)]))
    assert "sockgate_closed_total/3001" not in samples(state)
    assert samples(state)["sockgate_connections/0"] == 7
    receive(state, report(1, c3001=3))
    assert samples(state)["sockgate_closed_total/3001"] == 5


def test_counters_do_not_wait_for_a_worker_that_starts(state):
    starting = worker(1, state="starting")
    receive(state, report(0, c3001=2), HostStatus([worker(0), starting]))
    assert samples(state)["sockgate_closed_total/3001"] == 2


def test_metrics_of_processes_have_the_worker(state):
    receive(state, report(0), report(1), HostStatus([worker(0), worker(1)]))
    found = samples(state)
    assert (found["process_open_fds/0"], found["process_open_fds/1"]) == (10, 11)
