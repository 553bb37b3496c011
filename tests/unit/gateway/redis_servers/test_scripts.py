"""Scripts run by their SHA-1, and once more with their text where Redis lacks them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from redis.exceptions import NoScriptError, ResponseError
from sockgate_gateway.redis_servers.scripts import (
    Script,
    read_by_slot,
    run,
    run_async,
    run_each,
    run_each_async,
)

SCRIPT = Script("return KEYS[1]")
NO_SCRIPT = NoScriptError("No matching script.")


def command(key: str) -> Callable[[bool], tuple[Any, ...]]:
    return lambda with_text: SCRIPT.command([key], [7], with_text=with_text)


class FakePipeline:
    def __init__(self, client: "FakeClient") -> None:
        self._client = client
        self._commands: list[tuple[Any, ...]] = []

    def execute_command(self, *parts: Any) -> None:
        self._commands.append(parts)

    def execute(self, *, raise_on_error: bool) -> list[Any]:
        self._client.round_trips.append(self._commands)
        replies = [self._client.reply_to(parts) for parts in self._commands]
        for reply in replies:
            if raise_on_error and isinstance(reply, Exception):
                raise reply
        return replies


class FakeClient:
    """Redis without the script until it receives the text; ``bad`` is a key with an error."""

    def __init__(self) -> None:
        self.round_trips: list[Sequence[tuple[Any, ...]]] = []
        self.has_script = False

    def reply_to(self, parts: tuple[Any, ...]) -> Any:
        if parts[0] == "EVALSHA" and not self.has_script:
            return NO_SCRIPT
        return ResponseError("bad key") if parts[3] == "bad" else parts[3]

    def execute_command(self, *parts: Any) -> Any:
        self.round_trips.append([parts])
        reply = self.reply_to(parts)
        if isinstance(reply, Exception):
            raise reply
        return reply

    @contextmanager
    def pipeline(self, *, transaction: bool):
        assert not transaction
        yield FakePipeline(self)

    @property
    def names(self) -> list[list[str]]:
        return [[parts[0] for parts in commands] for commands in self.round_trips]


class FakeAsyncPipeline(FakePipeline):
    async def execute(self, *, raise_on_error: bool) -> list[Any]:
        return super().execute(raise_on_error=raise_on_error)


class FakeAsyncClient(FakeClient):
    async def execute_command(self, *parts: Any) -> Any:
        return super().execute_command(*parts)

    def pipeline(self, *, transaction: bool):
        assert not transaction
        return FakeAsyncPipeline(self)

    async def script_load(self, text: str) -> None:
        assert text == SCRIPT.text
        self.has_script = True


@pytest.fixture(params=["blocking", "asyncio"])
def call(request):
    """Call both variants of a function alike: client and replies."""
    is_async = request.param == "asyncio"

    def call(blocking, awaited, argument, *, has_script: bool) -> tuple[FakeClient, Any]:
        client = FakeAsyncClient() if is_async else FakeClient()
        client.has_script = has_script
        if is_async:
            return client, asyncio.run(awaited(client, argument))
        return client, blocking(client, argument)

    return call


def test_command_names_the_sha1_or_holds_the_text():
    assert SCRIPT.command(["k"], [7], with_text=True) == ("EVAL", SCRIPT.text, 1, "k", 7)
    name, sha1, *rest = SCRIPT.command(["k"], [7], with_text=False)
    assert (name, len(sha1), rest) == ("EVALSHA", 40, [1, "k", 7])


@pytest.mark.parametrize(
    ("has_script", "names"), [(True, [["EVALSHA"]]), (False, [["EVALSHA"], ["EVAL"]])]
)
def test_run_sends_the_text_only_where_the_script_is_missing(call, has_script, names):
    client, reply = call(run, run_async, command("a"), has_script=has_script)
    assert (reply, client.names) == ("a", names)


def test_run_raises_other_errors_at_once():
    client = FakeClient()
    client.has_script = True
    with pytest.raises(ResponseError, match="bad key"):
        run(client, command("bad"))
    assert client.names == [["EVALSHA"]]


def test_run_each_sends_missing_ones_again_in_one_round_trip_and_in_order(call):
    commands = [command("a"), lambda with_text: ("GET", "", 0, "b"), command("c")]
    client, replies = call(run_each, run_each_async, commands, has_script=False)
    assert replies == ["a", "b", "c"]
    assert client.names == [["EVALSHA", "GET", "EVALSHA"], ["EVAL", "EVAL"]]


def test_run_each_returns_an_error_as_the_reply_of_its_command(call):
    commands = [command("bad"), command("b")]
    client, (error, reply) = call(run_each, run_each_async, commands, has_script=True)
    assert (type(error), reply) == (ResponseError, "b")
    assert len(client.round_trips) == 1


async def test_read_by_slot_loads_a_missing_script_and_runs_all_calls_again():
    client = FakeAsyncClient()
    assert await read_by_slot(client, SCRIPT, [(["a"], []), (["b"], [])]) == ["a", "b"]
    assert client.names == [["EVALSHA"] * 2] * 2


async def test_read_by_slot_raises_the_first_error():
    client = FakeAsyncClient()
    client.has_script = True
    with pytest.raises(ResponseError, match="bad key"):
        await read_by_slot(client, SCRIPT, [(["a"], []), (["bad"], [])])
