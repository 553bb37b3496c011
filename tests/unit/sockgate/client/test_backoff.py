import pytest
from sockgate.client.backoff import Backoff, Pace, Reconnect, pace_of
from sockgate_gateway.wire.closecodes import CloseCode


def backoff(random: float) -> Backoff:
    return Backoff(Reconnect(min_s=0.5, max_s=30.0), lambda: random)


def test_range_doubles_up_to_the_limit() -> None:
    widest = backoff(1.0)
    assert [widest.next_s() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_wait_may_be_zero() -> None:
    assert backoff(0.0).next_s() == 0


def test_reset_starts_with_the_shortest_range() -> None:
    widest = backoff(1.0)
    widest.next_s()
    widest.reset()
    assert widest.next_s() == 0.5


def test_pace_sets_a_floor_and_widens_the_range() -> None:
    pace = Pace(floor_s=5.0, spread_s=10.0)
    assert backoff(0.0).next_s(pace) == 5.0
    assert backoff(1.0).next_s(pace) == 15.0


def test_thousands_of_attempts_do_not_overflow() -> None:
    widest = backoff(1.0)
    assert [widest.next_s() for _ in range(3000)][-1] == 30


@pytest.mark.parametrize(("status", "code"), [(429, 3002), (503, 3003)])
def test_statuses_of_the_token_view_have_the_paces_of_codes(status: int, code: int) -> None:
    assert pace_of(status) is pace_of(CloseCode(code))
    assert pace_of(status).floor_s >= 2
