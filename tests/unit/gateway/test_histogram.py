"""Histograms with fixed buckets."""

from sockgate_gateway.histogram import Histogram


def test_value_is_counted_in_the_first_bucket_that_holds_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 3.0):
        histogram.observe(value)
    assert histogram.read() == [2, 2, 1, 8.0]
