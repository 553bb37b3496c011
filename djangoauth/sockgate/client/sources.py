"""``CallableSource``: tokens and grants from functions of the caller."""

import asyncio
from collections.abc import Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from .credentials import IssuedGrant, IssuedToken
from .errors import CredentialsError
from .threads import in_thread


class CallableSource:
    """Tokens and grants from functions.

    A function may be a coroutine function. One that is not runs in a thread, and may block. Where
    there is no token or grant, it raises ``CredentialsError``.

    The client waits 20 seconds for a function, and calls it again later. A thread cannot be ended:
    while a call that the client no longer waits for has not returned, that function is not called,
    and each attempt fails with a ``CredentialsError``. So a function that never returns costs one
    thread, or one for each of the grants that were being fetched at that moment, 16 at most.

    Args:
        get_token: returns a token as text, or an ``IssuedToken`` with its lifetime.
        get_grant: receives a channel, and returns a grant as text, an ``IssuedGrant``, or None for
            a public channel. Default: all channels are public.
    """

    def __init__(
        self, get_token: Callable[[], Any], get_grant: Callable[[str], Any] | None = None
    ) -> None:
        self._get_token = _Calls("get_token", get_token)
        self._get_grant = _Calls("get_grant", get_grant) if get_grant else None

    async def fetch_token(self) -> IssuedToken:
        """Fetch a token."""
        answer = await self._get_token.call()
        issued = IssuedToken(answer) if isinstance(answer, str) else answer
        if not isinstance(issued, IssuedToken) or not issued.token:
            raise CredentialsError("get_token returned no token")
        return issued

    async def fetch_grant(self, channel: str) -> IssuedGrant:
        """Fetch the grant of a channel."""
        if self._get_grant is None:
            return IssuedGrant(None)
        answer = await self._get_grant.call(channel)
        issued = IssuedGrant(answer) if answer is None or isinstance(answer, str) else answer
        if not isinstance(issued, IssuedGrant):
            raise CredentialsError("get_grant returned no grant")
        return issued


class _Calls:
    """The calls of one function."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._name = name
        self._function = function
        self._running: set[object] = set()
        self._abandoned: set[object] = set()

    async def call(self, *arguments: Any) -> Any:
        """Call the function and return its result.

        Raises:
            CredentialsError: an earlier call, which nobody waits for, has not returned.
        """
        if iscoroutinefunction(self._function):
            return await self._function(*arguments)
        answer = await self._in_thread(*arguments)
        return await answer if isawaitable(answer) else answer

    async def _in_thread(self, *arguments: Any) -> Any:
        self._abandoned &= self._running
        if self._abandoned:
            raise CredentialsError(f"{self._name} has not returned from an earlier call")
        call = object()
        self._running.add(call)

        def run() -> Any:
            try:
                return self._function(*arguments)
            finally:
                self._running.discard(call)

        try:
            return await in_thread(run)
        except asyncio.CancelledError:
            self._abandoned.add(call)
            raise
