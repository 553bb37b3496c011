"""One drill quickly, all of them in ``make soak``, and the table that they write."""

import pytest

from tests.drills import table
from tests.drills.faults import ALL
from tests.drills.running import reports

FEW = 20


@pytest.mark.e2e
def test_killed_worker_is_survived_and_named(tmp_path):
    fault = ALL[0]
    (report,) = reports(tmp_path, [fault], clients=FEW)
    assert list(report.problems()) == []
    assert report.watch.events.keys() >= {"worker_ended"}
    assert sum(report.watch.counted().values()) >= 1
    name, clients, lost, *_ = table.row_of(report).removeprefix("| ").split(" | ")
    assert name == fault.name
    assert "longest silence" in clients
    assert "sequenced: none" in lost


@pytest.mark.soak
def test_every_fault_is_survived_and_named(tmp_path):
    found = {report.fault.name: list(report.problems()) for report in reports(tmp_path, ALL)}
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_document_has_a_row_for_each_fault():
    assert table.names_in_document() == [fault.name for fault in ALL]
