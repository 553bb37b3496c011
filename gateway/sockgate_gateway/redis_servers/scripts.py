"""Run scripts by their SHA-1, and with their text where Redis does not have them.

Redis loses its scripts at a restart; so does a replica that takes over. It then replies NOSCRIPT
and runs nothing, so the command may be sent again, with the text.

``Command`` builds a command: by SHA-1, or with the text if its argument is true.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from redis.exceptions import NoScriptError

Command = Callable[[bool], tuple[Any, ...]]

ScriptCall = tuple[Sequence[str], Sequence[str | int]]
"""Keys and arguments."""


class Script:
    """A script and its SHA-1."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._sha1 = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def command(
        self, keys: Sequence[str], arguments: Sequence[str | int], *, with_text: bool
    ) -> tuple[Any, ...]:
        """Return the command that runs it."""
        script = ("EVAL", self.text) if with_text else ("EVALSHA", self._sha1)
        return (*script, len(keys), *keys, *arguments)


def run(client: Any, command: Command) -> Any:
    """Run one command; raises what Redis replies."""
    try:
        return client.execute_command(*command(False))
    except NoScriptError:
        return client.execute_command(*command(True))


async def run_async(client: Any, command: Command) -> Any:
    """Run one command, as ``run`` does."""
    try:
        return await client.execute_command(*command(False))
    except NoScriptError:
        return await client.execute_command(*command(True))


def run_each(client: Any, commands: Sequence[Command]) -> list[Any]:
    """Run each command once, in one round trip.

    Those without a script in Redis go in a second round trip, together, so that they keep their
    order.

    Returns:
        Replies; an error of one command is its reply.
    """
    replies = _pipelined(client, [command(False) for command in commands])
    missing = _missing(replies)
    if missing:
        again = _pipelined(client, [commands[place](True) for place in missing])
        _replace(replies, missing, again)
    return replies


async def run_each_async(client: Any, commands: Sequence[Command]) -> list[Any]:
    """Run each command once, as ``run_each`` does."""
    replies = await _pipelined_async(client, [command(False) for command in commands])
    missing = _missing(replies)
    if missing:
        again = await _pipelined_async(client, [commands[place](True) for place in missing])
        _replace(replies, missing, again)
    return replies


async def read_by_slot(client: Any, script: Script, calls: Sequence[ScriptCall]) -> list[Any]:
    """Run a script that only reads on a cluster, in one round trip to each node.

    If one node lacks the script, all primaries load it, and all calls run again.

    Args:
        client: of a cluster.
        script: only reads.
        calls: keys and arguments; the keys of one call are of one slot.

    Raises:
        redis.RedisError: the first error, also where a primary cannot load the script.
    """
    commands = [script.command(*call, with_text=False) for call in calls]
    try:
        return await _pipelined_async(client, commands, is_error_raised=True)
    except NoScriptError:
        await client.script_load(script.text)
        return await _pipelined_async(client, commands, is_error_raised=True)


def _pipelined(client: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    with client.pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command)
        return list(pipeline.execute(raise_on_error=False))


async def _pipelined_async(
    client: Any, commands: Sequence[tuple[Any, ...]], *, is_error_raised: bool = False
) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    return list(await pipeline.execute(raise_on_error=is_error_raised))


def _missing(replies: Sequence[Any]) -> list[int]:
    return [place for place, reply in enumerate(replies) if isinstance(reply, NoScriptError)]


def _replace(replies: list[Any], places: Sequence[int], again: Sequence[Any]) -> None:
    for place, reply in zip(places, again, strict=True):
        replies[place] = reply
