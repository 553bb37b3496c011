"""How many connects are begun, and when the others come back."""

from collections import Counter

import pytest
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.sessions.admission import (
    ALWAYS_BEGUN,
    LONGEST_S,
    LONGEST_WAIT_S,
    TARGET_S,
    Admission,
)
from sockgate_gateway.wire.closecodes import CloseCode, read_come_back_s


class Worker:
    """Completes connects at a pace of its own, on a clock of the test."""

    def __init__(self, pace: int) -> None:
        self.now = 1000.0
        self.pace = pace
        self.idle_s = 0.0
        self.admission = Admission(lambda: self.now, lambda: self.idle_s)

    def arrive(self, count: int) -> list[int]:
        """Let clients come; return after how many seconds the refused ones come back."""
        waits = []
        for _ in range(count):
            try:
                self.admission.check(TARGET_S)
                self.admission.begin()
            except Disconnect as refused:
                assert refused.code is CloseCode.OVERLOADED
                assert read_come_back_s(refused.reason) == refused.come_back_s
                waits.append(refused.come_back_s)
        return waits

    def work(self, seconds: float, idle_s: float = 0.0) -> None:
        self.now += seconds
        self.idle_s += idle_s
        for _ in range(min(int(self.pace * seconds), self.admission.waiting)):
            self.admission.end()


def test_every_connect_is_begun_until_the_pace_is_known():
    worker = Worker(100)
    assert worker.arrive(5000) == []
    assert worker.admission.waiting == 5000


def test_no_more_are_begun_than_the_worker_completes_in_time():
    worker = Worker(100)
    worker.arrive(1000)
    worker.work(1)
    assert worker.arrive(10)
    while worker.admission.waiting > TARGET_S * 100:
        worker.work(1)
        assert worker.admission.waiting <= TARGET_S * 100 or worker.arrive(1)
    assert worker.arrive(1) == []


def test_an_open_connection_may_wait_longer_than_a_new_one():
    worker = Worker(100)
    worker.arrive(400)
    worker.work(1)
    assert worker.arrive(100)
    worker.admission.check(LONGEST_S)


def test_pace_is_measured_over_many_connects_because_they_finish_in_batches():
    worker = Worker(100)
    worker.arrive(400)
    worker.work(1)
    assert worker.arrive(10)
    worker.pace = 20
    worker.work(1)
    assert worker.arrive(10) == []


def test_few_are_begun_whatever_the_pace():
    worker = Worker(0)
    worker.arrive(2)
    worker.work(100)
    assert worker.arrive(ALWAYS_BEGUN - 2) == []
    worker.work(1)
    worker.arrive(1)
    assert worker.arrive(1) == [1]


def test_refused_clients_come_back_at_the_pace_of_the_worker():
    worker = Worker(100)
    worker.arrive(1000)
    worker.work(1)
    waits = Counter(worker.arrive(1000))
    assert set(waits) == set(range(1, 11))
    assert set(waits.values()) == {100}


def test_refused_clients_beyond_the_longest_wait_come_back_evenly():
    worker = Worker(1)
    worker.arrive(100)
    worker.work(TARGET_S)
    waits = Counter(worker.arrive(20 * LONGEST_WAIT_S))
    assert waits == dict.fromkeys(range(1, LONGEST_WAIT_S + 1), 20)


@pytest.mark.parametrize(("clients", "pace"), [(2000, 50), (20_000, 250), (10_000, 100)])
def test_crowd_is_back_after_the_time_that_its_work_takes(clients, pace):
    worker = Worker(pace)
    returning = Counter({0: clients})
    attempts = 0
    for second in range(10_000):
        due = returning.pop(second, 0)
        attempts += due
        for wait_s in worker.arrive(due):
            returning[second + wait_s] += 1
        if not returning and not worker.admission.waiting:
            break
        worker.work(1)
    assert second <= 1.5 * clients / pace + LONGEST_WAIT_S
    assert attempts <= 8 * clients


def test_pace_is_forgotten_when_nobody_waits():
    worker = Worker(100)
    worker.arrive(1000)
    worker.work(1)
    assert worker.arrive(1)
    worker.work(100)
    assert worker.admission.waiting == 0
    assert worker.arrive(1000) == []


def test_refusals_are_counted_and_logged_once_in_a_while(caplog):
    worker = Worker(10)
    worker.arrive(1000)
    worker.work(TARGET_S)
    worker.arrive(50)
    assert worker.admission.refused_count == 50
    assert [record.message.split()[0] for record in caplog.records] == ["event=connects_refused"]


def test_idle_worker_refuses_nobody_for_the_latency_of_redis(caplog):
    worker = Worker(100)
    worker.arrive(1000)
    worker.work(1, idle_s=0.9)
    assert worker.arrive(100) == []
    (record,) = caplog.records
    assert record.message.startswith("event=connects_slow")
    assert "redis_slow" in record.message
    worker.work(1, idle_s=0.1)
    assert worker.arrive(1)


def test_pace_of_openings_limits_a_crowd_over_http_before_any_is_finished():
    worker = Worker(0)
    for _ in range(100):
        worker.admission.open("")
    worker.work(0.5)
    worker.admission.check(TARGET_S)  # 50 connects' work in 0.5 s
    for _ in range(201):
        worker.admission.open("")
    with pytest.raises(Disconnect):
        worker.admission.check(TARGET_S)


def test_session_over_http_counts_from_its_opening():
    worker = Worker(100)
    for _ in range(400):
        worker.admission.open("")
    assert worker.admission.waiting == worker.admission.unsent == 400
    for _ in range(400):
        worker.admission.note_sent("")
    worker.work(1)
    assert worker.arrive(1) == []  # Just as many as are completed in time.
    assert worker.arrive(1)
    for _ in range(100):
        worker.admission.end()
    assert worker.arrive(1) == []
