"""Processes and servers: the parts of a worker, its listeners, the supervisor, operations."""
