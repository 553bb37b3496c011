"""The short table of docs/security.md says what the full one of ``tests/security/ends.md`` does."""

from tests.security.measure import BEGIN, END, LIMIT_MS, PAGE, SUMMARY, Results


def rows() -> list[list[str]]:
    lines = PAGE.read_text().partition(BEGIN)[2].partition(END)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def read() -> Results:
    results = Results()
    head, _, *measured = rows()
    for cause, engine, *cells in measured:
        for transport, cell in zip(head[2:], cells, strict=True):
            values = zip(LIMIT_MS, cell.split(" · "), strict=True)
            found = {mode: int(ms) for mode, ms in values if ms != "–"}
            results.took_ms[cause, engine][transport] |= found
    return results


def test_summary_has_the_longest_time_of_each_cause() -> None:
    results = read()
    assert len(results.took_ms) > 40
    assert f"{BEGIN}{results.summary()}{END}" in SUMMARY.read_text()
    assert results.too_long() == []


def test_full_table_is_written_as_it_was_read() -> None:
    assert f"{BEGIN}{read().table()}{END}" in PAGE.read_text()
