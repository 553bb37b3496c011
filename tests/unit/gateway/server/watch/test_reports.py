"""Reports: nobody waits for the other side."""

import pytest
from sockgate_gateway.server.watch.reports import (
    HostStatus,
    WorkerReport,
    WorkerStatus,
    open_channel,
    read_report,
)


@pytest.fixture
def channel():
    near, far = open_channel()
    yield near, far
    near.close()
    far.close()


def test_reports_arrive_as_they_were_sent(channel):
    near, far = channel
    readings = {"closed_total": [(("3001",), 4.0)], "lag_seconds": [((), [1.0, 0.0, 0.5])]}
    sent = [
        WorkerReport(1, 77, False, ["no probe"], ["slow"], readings),
        HostStatus([WorkerStatus(1, None, "ended", 0.0, {"hung": 1})]),
    ]
    for report in sent:
        far.send(report)
    assert [read_report(raw) for raw in near.receive()] == sent


def test_sender_does_not_wait_for_a_reader_that_is_stopped(channel):
    near, far = channel
    for _ in range(10_000):
        far.send(HostStatus([]))
    assert 0 < len(list(near.receive())) < 10_000


def test_sender_survives_the_end_of_the_other_side(channel):
    near, far = channel
    near.close()
    far.send(HostStatus([]))
    assert list(far.receive()) == []


def test_what_is_no_report_is_none():
    assert read_report(b"{") is None
    assert read_report(b'{"type":"other"}') is None
