"""``CallableSource``: tokens and grants from functions of the caller."""

from collections.abc import Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from .errors import CredentialsError
from .protocol.credentials import IssuedGrant, IssuedToken
from .threads import in_thread


class CallableSource:
    """Tokens and grants from functions.

    A function may be a coroutine function. One that is not runs in a thread, and may block. Where
    there is no token or grant, it raises ``CredentialsError``.

    Args:
        get_token: returns a token as text, or an ``IssuedToken`` with its lifetime.
        get_grant: receives a channel, and returns a grant as text, an ``IssuedGrant``, or None for
            a public channel. Default: all channels are public.
    """

    def __init__(
        self, get_token: Callable[[], Any], get_grant: Callable[[str], Any] | None = None
    ) -> None:
        self._get_token = get_token
        self._get_grant = get_grant

    async def fetch_token(self) -> IssuedToken:
        """Fetch a token."""
        answer = await _called(self._get_token)
        issued = IssuedToken(answer) if isinstance(answer, str) else answer
        if not isinstance(issued, IssuedToken) or not issued.token:
            raise CredentialsError("get_token returned no token")
        return issued

    async def fetch_grant(self, channel: str) -> IssuedGrant:
        """Fetch the grant of a channel."""
        if self._get_grant is None:
            return IssuedGrant(None)
        answer = await _called(self._get_grant, channel)
        issued = IssuedGrant(answer) if answer is None or isinstance(answer, str) else answer
        if not isinstance(issued, IssuedGrant):
            raise CredentialsError("get_grant returned no grant")
        return issued


async def _called(function: Callable[..., Any], *arguments: Any) -> Any:
    if iscoroutinefunction(function):
        return await function(*arguments)
    answer = await in_thread(function, *arguments)
    return await answer if isawaitable(answer) else answer
