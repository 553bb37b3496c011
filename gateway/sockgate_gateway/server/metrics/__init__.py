"""Metrics: the table of all, what a worker reads for them, and their form for Prometheus."""
