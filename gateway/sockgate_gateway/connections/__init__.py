"""Connections: the state of each, the registry of all, and the limits for each of their sources."""
