"""What a client asks for of a channel's history: the member ``recover`` of its frames.

A position asks for everything after it. ``"all"`` and a number ask for the newest publications, for
a client that has received none.
"""

from collections.abc import Iterable

from .contract import Recover
from .errors import FrameError

ALL = "all"
MAX_OFFSET = 2**53
"""JavaScript and Lua count no further."""


def check_recover(asked: Iterable[Recover]) -> None:
    """Check what a client asks for, beyond its type.

    Raises:
        FrameError: it is neither a position, nor ``"all"``, nor a whole number above 0.
    """
    for one in asked:
        if not isinstance(one, tuple) and newest_count(one) <= 0:
            raise FrameError('"recover" is a position, "all", or a whole number from 1 to 2**53')


def newest_count(asked: int | str) -> int:
    """Return how many of the newest publications are wanted; 0: it is not such a number."""
    if isinstance(asked, str):
        return MAX_OFFSET if asked == ALL else 0
    return asked if 0 < asked <= MAX_OFFSET else 0
