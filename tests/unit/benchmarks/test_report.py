"""What is made of a file of results."""

import json
from xml.etree import ElementTree

import pytest

from benchmarks import figures, picture, report, scenarios, targets
from benchmarks.figures import Book

FAN_OUT = "fanout_1000_b1_64"


def _run(run: int, server: str, cpu_us: float) -> dict[str, object]:
    measured = {"cpu_us_per_delivery": cpu_us, "p50_us": 1500, "generator_share": 0.5}
    return {"run": run, "server": server, "scenario": FAN_OUT, **measured}


@pytest.fixture
def book(tmp_path) -> Book:
    runs = [(0, "floor", 5.0), (0, "sockgate", 6.0), (1, "floor", 5.0), (1, "sockgate", 9.0)]
    runs += [(2, "floor", 5.0), (2, "sockgate", 8.0), (0, "Socket.IO", 20.0)]
    path = tmp_path / "results.json"
    machine = {"cpu": "a", "cores": 2, "kernel": "6", "python": "3", "load_before": 0.1}
    results = {
        "mode": "quick",
        "started": "20260101-000000",
        "machine": machine,
        "titles": {FAN_OUT: "fan-out", "private": "private"},
        "versions": {"floor": "1", "sockgate": "2", "Socket.IO": "4"},
        "not_run": {"Centrifugo": "not to be had"},
        "figures": [_run(*run) for run in runs],
    }
    path.write_text(json.dumps(results))
    return Book(path)


def test_spread_is_of_all_runs(book):
    spread = book.spread(FAN_OUT, "sockgate", "cpu_us_per_delivery")
    assert (spread.median, spread.low, spread.high, spread.runs) == (8.0, 6.0, 9.0, 3)


def test_figure_that_was_not_measured_has_no_median(book):
    assert book.median("private", "sockgate", "cpu_us_per_delivery") is None


def test_targets_are_ratios_of_medians(book):
    against_floor, against_socketio = targets.table(book)  # and nothing else was measured
    assert against_floor[1:] == ("1.4", "1.6", "**not reached**")
    assert against_socketio[1:] == ("0.5", "0.4", "reached")


def test_table_shows_the_spread_where_there_is_one(book):
    text = report.all_tables(book)
    assert "| sockgate | 8 (6 to 9) | 1.5 (1.5 to 1.5) |" in text
    assert "| Socket.IO | 20 | 1.5 |" in text


def test_report_names_scenarios_that_were_not_run(book):
    assert "| Centrifugo | not to be had |" in report.all_tables(book)


def test_report_omits_unmeasured_figures(book):
    assert "### private" not in report.all_tables(book)


def test_report_is_written_between_its_marks_and_again(book, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "DOCS", tmp_path)
    monkeypatch.setattr(report, "HERE", tmp_path)
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    begin, end = report.BEGIN.format("figures"), report.END.format("figures")
    pages = [tmp_path / "performance.md", tmp_path / "tables.md"]
    for page in pages:
        page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    report.write_report(book.path)
    once = [page.read_text() for page in pages]
    report.write_report(book.path)
    for page, text in zip(pages, once, strict=True):
        assert text == page.read_text()
        assert text.startswith("before\n")
        assert text.endswith("\nafter\n")
        assert "old" not in text


def test_summary_has_the_medians_and_an_empty_cell_where_there_is_none(book):
    text = report.summary("figures", book)
    assert "| sockgate |  | 8 |  |  |  |  |  |" in text
    assert "### Targets" in text


def test_summaries_name_scenarios_that_are_measured():
    every = {*scenarios.full(), *scenarios.crowd()}
    names = {scenario.name for scenario in every}
    wanted = {column[1] for columns in report.SUMMARIES.values() for column in columns}
    assert wanted <= names


def test_picture_is_well_formed_and_names_every_server(book):
    texts = [element.text for element in ElementTree.fromstring(picture.draw(book)).iter()]
    assert {"floor", "sockgate", "Socket.IO"} <= set(texts)
