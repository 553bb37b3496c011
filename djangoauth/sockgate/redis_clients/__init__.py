"""The Redis clients of a Django process: pools, time budget, breaker and control messages."""
