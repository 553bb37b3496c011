from collections.abc import Callable
from contextlib import ExitStack, suppress
from threading import Barrier, Thread
from time import monotonic

import pytest
from redis import ConnectionPool, RedisError
from redis import TimeoutError as RedisTimeoutError
from sockgate.redis_clients.breaker import (
    MAX_PAUSE_S,
    MIN_PAUSE_S,
    TIMEOUTS,
    TRIAL_S,
    Breaker,
    BreakerOpen,
)
from sockgate.redis_clients.time_budget import spending, time_budget

from tests.waiting import wait_until


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker) -> None:
    with pytest.raises(RedisError, match="frozen"), breaker.guard():
        raise RedisError("frozen")


def is_open(breaker: Breaker) -> bool:
    """Call once; the call ends for a cause other than Redis."""
    try:
        with suppress(KeyError), breaker.guard():
            {}["missing"]
    except BreakerOpen:
        return True
    return False


def test_breaker_lets_calls_through_while_redis_answers(breaker: Breaker) -> None:
    with breaker.guard():
        pass
    assert not is_open(breaker)


def test_breaker_opens_after_a_failure_and_reports_the_pause(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker)
    clock.now = MIN_PAUSE_S / 2
    with pytest.raises(BreakerOpen) as refusal, breaker.guard():
        raise AssertionError("it runs")
    assert refusal.value.retry_after_s == MIN_PAUSE_S / 2


def test_breaker_closes_when_the_trial_succeeds(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now = MIN_PAUSE_S
    with breaker.guard():
        pass
    assert not is_open(breaker)


def test_breaker_pauses_longer_after_each_failed_trial(breaker: Breaker, clock: Clock) -> None:
    pauses = []
    for _ in range(6):
        fail(breaker)
        with pytest.raises(BreakerOpen) as refusal, breaker.guard():
            pass
        pauses.append(refusal.value.retry_after_s)
        clock.now += refusal.value.retry_after_s
    assert pauses == [2.0, 4.0, 8.0, MAX_PAUSE_S, MAX_PAUSE_S, MAX_PAUSE_S]


def test_breaker_lets_one_trial_through_at_a_time(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now = MIN_PAUSE_S
    with breaker.guard():
        assert is_open(breaker)
    assert not is_open(breaker)


def test_breaker_gives_up_a_trial_that_never_reports(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now = MIN_PAUSE_S
    trial = breaker.guard()
    trial.__enter__()
    clock.now += TRIAL_S
    assert not is_open(breaker)


def test_breaker_tries_again_when_the_trial_ends_for_another_cause(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker)
    clock.now = MIN_PAUSE_S
    assert not is_open(breaker)
    assert not is_open(breaker)


def test_breaker_stays_open_when_a_call_from_before_ends_for_another_cause(
    breaker: Breaker,
) -> None:
    with pytest.raises(KeyError), breaker.guard():
        fail(breaker)
        raise KeyError
    assert is_open(breaker)


def test_breaker_is_safe_between_threads(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now = MIN_PAUSE_S
    start, trials = Barrier(8), Barrier(8)
    through: list[int] = []

    def run() -> None:
        start.wait()
        try:
            with breaker.guard():
                through.append(1)
                trials.wait()
        except BreakerOpen:
            trials.wait()

    _run_in_threads(run, 8)
    assert through == [1]


def _run_in_threads(act: Callable[[], None], count: int) -> None:
    threads = [Thread(target=act) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_calls_that_meet_one_failure_open_it_once() -> None:
    now = 0.0
    breaker = Breaker(lambda: now)
    with pytest.raises(RedisError), ExitStack() as calls:
        for _ in range(4):
            calls.enter_context(breaker.guard())
        raise RedisError
    with pytest.raises(BreakerOpen) as shut, breaker.guard():
        pass
    assert shut.value.retry_after_s == MIN_PAUSE_S


def test_spent_budget_opens_nothing() -> None:
    breaker = Breaker()
    with time_budget(0.0), pytest.raises(RedisTimeoutError), breaker.guard():
        with spending():
            start = monotonic()
            wait_until(lambda: monotonic() > start)
        with spending():
            pass
    with breaker.guard():
        pass


def test_process_without_a_free_connection_opens_nothing(breaker: Breaker) -> None:
    pool = ConnectionPool(max_connections=1, connection_class=_NoServer)
    pool.get_connection()
    for _ in range(TIMEOUTS):
        with pytest.raises(RedisError, match="connections"), breaker.guard():
            pool.get_connection()
    assert not is_open(breaker)


class _NoServer:
    """Needs no server."""

    def __init__(self, **_: object) -> None:
        pass

    def connect(self) -> None:
        pass

    def can_read(self) -> bool:
        return False


def time_out(breaker: Breaker) -> None:
    with time_budget(1.0), pytest.raises(RedisTimeoutError), breaker.guard(), spending():
        raise RedisTimeoutError("Timeout reading from socket")


def test_timeouts_of_short_budgets_open_it_only_in_a_row(breaker: Breaker, clock: Clock) -> None:
    for _ in range(2):
        for _ in range(TIMEOUTS - 1):
            time_out(breaker)
            clock.now += 0.1
        with breaker.guard():
            pass
    for _ in range(TIMEOUTS):
        time_out(breaker)
    assert is_open(breaker)


def test_timeouts_of_one_moment_count_once(breaker: Breaker, clock: Clock) -> None:
    with time_budget(1.0), pytest.raises(RedisTimeoutError), ExitStack() as calls:
        for _ in range(2 * TIMEOUTS):
            calls.enter_context(breaker.guard())
        clock.now = 0.1
        with spending():
            raise RedisTimeoutError("Timeout reading from socket")
    assert not is_open(breaker)


def test_timeout_of_a_trial_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now = MIN_PAUSE_S
    time_out(breaker)
    assert is_open(breaker)


def test_timeout_within_a_budget_names_the_budget() -> None:
    said = r"0.5 s .*PAGE_TIMEOUT"
    with time_budget(0.5), pytest.raises(RedisTimeoutError, match=said), spending():
        raise RedisTimeoutError("Timeout reading from socket")
