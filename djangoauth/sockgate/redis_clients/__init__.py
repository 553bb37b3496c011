"""Redis for Django: clients in pools, time budget, breaker, control messages and scripts."""
