"""The scripts that run inside Redis, one file each in ``lua/``, the same for every language.

``EVALSHA`` needs the SHA-1 of their texts. The head of each file lists its arguments and results.
"""

from importlib.resources import files


def _read(name: str) -> str:
    return files(__package__).joinpath("lua", name).read_text("utf-8")


PUBLISH = _read("publish.lua")
"""Publish a sequenced publication."""

HISTORY = _read("history.lua")
"""Read the publications after a position."""

PRESENCE = _read("presence.lua")
"""Count a user's connections, and publish joins and leaves."""

PRESENCE_DATA = _read("presence_data.lua")
"""Keep the data of a user's pages, and publish it."""

ONLINE = _read("online.lua")
"""Note the users at a worker, and write an event for each who comes online."""

OFFLINE = _read("offline.lua")
"""Write an event for each user who has left."""

ABSENT = _read("absent.lua")
"""Note that users of killed workers may have left."""

TOUCH = _read("touch.lua")
"""Publish a touch with its mark."""

DEPLOYMENTS = _read("deployments.lua")
"""Register a worker among the deployments of a Redis server, and list them."""
