"""What a drill counts as lost, as told, and as away."""

from collections import Counter

from sockgate.management.drill.tally import Tally, result_of, table_of


def test_numbers_in_order_are_neither_lost_nor_twice() -> None:
    tally = Tally()
    for number in (1, 2, 3):
        tally.received(number, 0.1 * number)
    assert (tally.last, tally.lost, tally.told, tally.twice) == (3, 0, 0, 0)
    assert tally.slowest_s == 0.1 * 3


def test_missing_numbers_are_lost_unless_a_gap_told_so() -> None:
    tally = Tally()
    tally.received(1, 0)
    tally.received(4, 0)
    tally.gap()
    tally.received(9, 0)
    tally.received(11, 0)
    assert (tally.lost, tally.told) == (3, 4)


def test_number_that_comes_again_or_late_is_twice() -> None:
    tally = Tally()
    for number in (1, 2, 2, 1, 3):
        tally.received(number, 0)
    assert (tally.last, tally.lost, tally.twice) == (3, 0, 2)


def test_absences_of_a_step_are_summed_also_those_that_go_on() -> None:
    tally = Tally()
    tally.begin(10)
    tally.left(11)
    tally.left(12)
    tally.came(14)
    tally.left(20)
    tally.pause(25)
    assert (tally.away_s, tally.was_away, tally.is_away) == (8, True, True)
    tally.begin(30)
    tally.came(31)
    assert (tally.away_s, tally.was_away, tally.is_away) == (1, True, False)


def test_result_is_good_only_where_all_are_back_with_everything() -> None:
    there, behind, away = Tally(), Tally(), Tally()
    for tally in (there, behind, away):
        tally.begin(0)
        tally.received(1, 0.5)
    there.received(2, 0.25)
    away.received(2, 0.25)
    away.left(5)
    away.pause(9)
    result = result_of("restart", (there, behind, away), 2, Counter({7: 3, 8: 1}))
    assert (result.tabs, result.away, result.longest_s, result.missing) == (3, 1, 4, 2)
    assert (result.slowest_s, result.herd, result.is_good) == (0.5, 3, False)
    assert result_of("x", [there], 2, Counter()).is_good
    there.gap()
    there.received(5, 0)
    assert result_of("x", [there], 5, Counter()).is_good
    there.received(7, 0)
    assert not result_of("x", [there], 7, Counter()).is_good
    head, row = table_of([result])
    assert head.split() == [
        *("tabs", "away", "longest", "median", "not", "back", "lost", "gap", "twice"),
        *("slowest", "herd"),
    ]
    assert row == "restart     3     1   4.00 s  4.00 s         2     0    0      0   0.50 s     3"
