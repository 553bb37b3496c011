"""Generations of links, for a Redis that refuses ``INFO`` in scripts.

Strategy: ``history.lua`` ends the epoch of a channel when another server has taken over, which it
sees by ``INFO``. Where scripts may not run it, the epoch ends in each new generation. A new link
has a new generation, because a failover breaks the links of all workers. Where ``INFO`` works
outside of scripts and names the server, only a link to another server has one.
"""

import re
from collections.abc import Awaitable, Callable
from importlib.resources import files
from time import time
from typing import Any

from redis.exceptions import ResponseError

from ...redis_servers.errors import is_refusal

Run = Callable[..., Awaitable[Any]]
"""Runs one command."""

_LINK = files(__package__).joinpath("link.lua").read_text("utf-8")
_IDENTITY = re.compile(r"master_replid:(\w+)")


async def has_info(run: Run) -> bool:
    """Return whether scripts may run ``INFO``."""
    return bool(await run("EVAL", _LINK, 0) == 0)  # An account without keys has a link, too.


async def begin_generation(run: Run, key: str, identity: str) -> int:
    """Return the generation of a new link, for a server of which ``has_info`` is false.

    Args:
        run: runs a command.
        key: keeps the last generation.
        identity: of the server; empty: not known.
    """
    return int(await run("EVAL", _LINK, 1, key, int(time() * 1000), identity))


async def read_identity(run: Run) -> str:
    """Return what names the server in ``INFO``; empty: it does not say."""
    try:
        return identity_in(await run("INFO", "replication"))
    except ResponseError as error:
        if is_refusal(error):
            return ""
        raise


def identity_in(info: object) -> str:
    """Return the replication id in a reply to ``INFO``; empty: there is none."""
    if isinstance(info, dict):  # as redis-py's clients read it
        return str(info.get("master_replid", ""))
    text = info.decode(errors="replace") if isinstance(info, bytes) else ""
    found = _IDENTITY.search(text)
    return found[1] if found else ""
