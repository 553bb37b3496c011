"""Which silent worker hangs, and which is only slow."""

import pytest
from sockgate_gateway.server.watch.silence import MAX_STEP_S, SLOW_FACTOR, SilenceWatch

LIMIT_S = 10.0
PID = 1000


class Processor:
    """The processor time of one process."""

    def __init__(self) -> None:
        self.used_s: float | None = 5.0

    def of(self, pid: int) -> float | None:
        assert pid == PID
        return self.used_s


@pytest.fixture
def processor() -> Processor:
    return Processor()


@pytest.fixture
def watch(processor) -> SilenceWatch:
    watch = SilenceWatch(LIMIT_S, processor.of)
    watch.note_report(0, PID)
    return watch


def pass_seconds(watch: SilenceWatch, seconds: float) -> None:
    for _ in range(int(seconds)):
        watch.pass_time(1.0)


def test_worker_that_did_nothing_hangs_after_the_limit(watch):
    pass_seconds(watch, LIMIT_S - 1)
    assert watch.verdict(0) == ""
    pass_seconds(watch, 1)
    assert watch.verdict(0).endswith("it did nothing: it is blocked or stopped")


def test_worker_that_used_the_processor_all_the_time_loops(watch, processor):
    pass_seconds(watch, LIMIT_S)
    processor.used_s += LIMIT_S
    assert watch.verdict(0).endswith("10.0 s of processor time used: it loops")


def test_worker_that_gets_little_of_the_processor_is_only_slow(watch, processor):
    pass_seconds(watch, SLOW_FACTOR * LIMIT_S - 1)
    processor.used_s += 3
    assert watch.verdict(0) == ""
    pass_seconds(watch, 1)
    assert watch.verdict(0).endswith("it is too slow")


def test_report_begins_the_silence_anew(watch):
    pass_seconds(watch, LIMIT_S - 1)
    watch.note_report(0, PID)
    pass_seconds(watch, LIMIT_S - 1)
    assert watch.verdict(0) == ""
    assert watch.silent_s(0) == LIMIT_S - 1


def test_time_in_which_the_supervisor_was_stopped_does_not_count(watch):
    watch.pass_time(3600)
    assert watch.silent_s(0) == MAX_STEP_S
    assert watch.verdict(0) == ""


def test_silence_counts_where_the_processor_time_is_unknown(watch, processor):
    processor.used_s = None
    pass_seconds(watch, LIMIT_S)
    assert watch.verdict(0)


def test_worker_that_has_ended_is_not_judged(watch):
    watch.forget(0)
    pass_seconds(watch, LIMIT_S)
    assert (watch.verdict(0), watch.silent_s(0)) == ("", 0)


def test_limit_of_zero_is_none(processor):
    watch = SilenceWatch(0, processor.of)
    watch.note_report(0, PID)
    pass_seconds(watch, 1000)
    assert watch.verdict(0) == ""
