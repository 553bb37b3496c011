"""The scripts that run inside Redis, one file each in ``lua/``: the same for every language.

They are texts; ``EVALSHA`` wants their SHA-1, which every Redis client knows to compute. What
each takes and returns stands at its head.
"""

from importlib.resources import files


def _read(name: str) -> str:
    return files(__package__).joinpath("lua", name).read_text("utf-8")


PUBLISH = _read("publish.lua")
"""Publish in sequence."""

HISTORY = _read("history.lua")
"""Read what was published after a position."""

PRESENCE = _read("presence.lua")
"""Count a user's connections, and say when he comes or goes."""
