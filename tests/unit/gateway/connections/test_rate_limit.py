"""Budgets by key, and their removal."""

import math

from sockgate_gateway.connections.rate_limit import RateLimit


def test_budget_begins_with_the_burst(clock):
    limit = RateLimit(clock.wheel, per_second=2, burst_s=10)
    assert [limit.take("a") for _ in range(21)] == [True] * 20 + [False]
    assert limit.take("b", 20)
    assert not limit.take("b", 1)


def test_budget_grows_again_with_time(clock):
    limit = RateLimit(clock.wheel, per_second=2, burst_s=10)
    assert limit.take("a", 20)
    for _ in range(10):
        clock.advance(1)
        assert limit.take("a", 2)
        assert not limit.take("a", 1)


def test_refused_request_uses_no_budget(clock):
    limit = RateLimit(clock.wheel, per_second=2, burst_s=10)
    assert not limit.take("a", 21)
    assert limit.take("a", 20)


def test_returned_budget_may_be_used_again(clock):
    limit = RateLimit(clock.wheel, per_second=2, burst_s=10)
    limit.give_back("a")
    assert limit.take("a", 20)
    limit.give_back("a", 2)
    assert limit.take("a", 2)
    assert not limit.take("a")


def test_full_budgets_are_removed(clock):
    limit = RateLimit(clock.wheel, per_second=2, burst_s=10)
    for key in range(1000):
        limit.take(key)
    clock.advance(9)
    assert limit.take("kept", 20)
    assert len(limit._spent_until.keys() | limit._spent_before.keys()) == 1001
    clock.advance(15)
    assert len(limit._spent_until.keys() | limit._spent_before.keys()) == 0
    assert limit.take("kept", 20)


def test_budget_is_kept_when_full_budgets_are_removed(clock):
    limit = RateLimit(clock.wheel, per_second=2, burst_s=10)
    limit.take("other")
    clock.advance(9)
    assert limit.take("a", 20)
    clock.advance(2)
    assert limit.take("a", 4)
    assert not limit.take("a")


def test_without_a_rate_there_is_no_limit(clock):
    assert RateLimit(clock.wheel, math.inf, 10).take("a", 10**9)
