"""Calls that block, run beside an asyncio loop."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import Any


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a daemon thread of its own, with this context, and return its result.

    Unlike the threads of ``asyncio.to_thread``, it does not delay the end of the loop, or of the
    program, when a server does not answer.
    """
    loop, context = asyncio.get_running_loop(), copy_context()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def call() -> None:
        result, error = None, None
        try:
            result = context.run(function, *arguments)
        except Exception as failure:  # noqa: BLE001
            error = failure
        with suppress(RuntimeError):  # The loop has ended: nobody waits.
            loop.call_soon_threadsafe(settle, result, error)

    Thread(target=call, name="sockgate-client-call", daemon=True).start()
    return await future
