"""The touch marks of a page's channels, as they are when it is rendered.

Strategy: a page compares the mark at which it was rendered with the one that the gateway states,
and fetches itself only if they differ. So the mark must not be newer than what the view has read
from the database. A channel that was touched since the request began has none here: its page
fetches once. The age of the last touch is what has passed of the mark's life in Redis, so that no
clocks are compared.
"""

from time import monotonic, time
from typing import Any

from django.http import HttpRequest
from sockgate_gateway.wire.touches import (
    NEVER,
    TOUCH_TTL_MS,
    read_mark,
    stated_mark,
    touch_key,
)

from .. import conf
from ..redis_clients import pools
from ..tenants import qualify
from .request_start import started_at

_MARGIN_S = 0.1
"""Redis may take its time once for many commands."""


def read_marks(request: HttpRequest, channels: list[str]) -> dict[str, int]:
    """Read marks in one round trip; without those that are unknown for this request.

    Args:
        request: that renders the page.
        channels: names.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    began_at = started_at(request)
    if began_at is None:
        return {}
    names = conf.current().names
    pipeline: Any = pools.records().pipeline(transaction=False)
    for channel in channels:
        key = touch_key(names, qualify(channel))
        pipeline.pttl(key)
        pipeline.get(key)
    replies = pipeline.execute()
    took_ms = (monotonic() - began_at + _MARGIN_S) * 1000
    found = zip(channels, replies[::2], replies[1::2], strict=True)
    marks = {channel: _mark(left_ms, stored, took_ms) for channel, left_ms, stored in found}
    return {channel: mark for channel, mark in marks.items() if mark is not None}


def _mark(left_ms: int, stored: bytes | None, took_ms: float) -> int | None:
    if stored is None:
        return stated_mark(NEVER, time())
    is_older = 0 <= left_ms < TOUCH_TTL_MS - took_ms
    return read_mark(stored) if is_older else None
