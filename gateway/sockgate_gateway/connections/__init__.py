"""Connections: the state of each, the registry of all, and limits on what they send and receive."""
