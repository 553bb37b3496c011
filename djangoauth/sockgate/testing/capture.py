"""Capturing publications instead of sending them, so that a test needs no server.

Strategy: every publication passes through four functions of ``publishing.sending``. While a capture
is active, functions of this module stand in their place.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any
from unittest.mock import patch

from sockgate_gateway.wire.publish_request import PublishRequest

from ..publishing import async_calls, dispatch, publisher, sending
from .commits import commits_at_the_end
from .publications import CapturedPublications


@contextmanager
def capture_publications() -> Iterator[CapturedPublications]:
    """Capture what the block publishes. Callbacks of ``on_commit`` run when it ends.

    Nothing is sent to Redis. The calls return 1, or 0 where an idempotency key was published in
    the block before.
    """
    with capturing(CapturedPublications()) as captured, commits_at_the_end():
        yield captured


@contextmanager
def capturing(
    captured: CapturedPublications, *, is_sent: bool = False
) -> Iterator[CapturedPublications]:
    """Capture what any thread of this process publishes in the meantime.

    Args:
        captured: takes the publications.
        is_sent: send them to Redis as well.
    """
    _ACTIVE.begin(captured, is_sent=is_sent)
    try:
        yield captured
    finally:
        _ACTIVE.end(captured)


class _Captures:
    """The active captures; the innermost decides whether publications are sent."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._active: list[tuple[CapturedPublications, bool]] = []
        self._patches = ExitStack()

    def begin(self, captured: CapturedPublications, *, is_sent: bool) -> None:
        with self._lock:
            if not self._active:
                for module, name, stand_in in _STAND_INS:
                    self._patches.enter_context(patch.object(module, name, stand_in))
            self._active.append((captured, is_sent))

    def end(self, captured: CapturedPublications) -> None:
        with self._lock:
            self._active = [it for it in self._active if it[0] is not captured]
            if not self._active:
                self._patches.close()

    @property
    def is_sent(self) -> bool:
        return bool(self._active) and self._active[-1][1]

    def record(self, request: PublishRequest) -> int:
        with self._lock:
            return max([captured.record(request) for captured, _ in self._active], default=False)


_ACTIVE = _Captures()
_send, _send_many = sending.send, sending.send_many
_asend, _asend_many = sending.asend, sending.asend_many
_client_for, _async_client_for = dispatch._client_for, dispatch.async_client_for


def _capture(client: Any, names: Any, request: PublishRequest) -> int:
    count = _ACTIVE.record(request)
    return _send(client, names, request) if _ACTIVE.is_sent else count


def _capture_many(client: Any, names: Any, batch: list[PublishRequest]) -> int:
    count = sum(map(_ACTIVE.record, batch))
    return _send_many(client, names, batch) if _ACTIVE.is_sent else count


async def _acapture(client: Any, names: Any, request: PublishRequest) -> int:
    count = _ACTIVE.record(request)
    return await _asend(client, names, request) if _ACTIVE.is_sent else count


async def _acapture_many(client: Any, names: Any, batch: list[PublishRequest]) -> int:
    count = sum(map(_ACTIVE.record, batch))
    return await _asend_many(client, names, batch) if _ACTIVE.is_sent else count


def _capture_client(batch: list[PublishRequest]) -> Any:
    return _client_for(batch) if _ACTIVE.is_sent else None


async def _capture_async_client(batch: list[PublishRequest]) -> Any:
    return await _async_client_for(batch) if _ACTIVE.is_sent else None


_STAND_INS: tuple[tuple[Any, str, Any], ...] = (
    (sending, "send", _capture),
    (sending, "send_many", _capture_many),
    (sending, "asend", _acapture),
    (sending, "asend_many", _acapture_many),
    (publisher, "send", _capture),
    (publisher, "send_many", _capture_many),
    (dispatch, "_client_for", _capture_client),
    (async_calls, "async_client_for", _capture_async_client),
)
