"""The function in the page that a script calls: a name, and nothing that could run."""

import re

from ..handler import Handler

_NAME = re.compile(r"[A-Za-z0-9_.]{1,64}")


def read_callback(handler: Handler) -> bytes | None:
    """Read the parameter ``c``, or answer why not and return None."""
    name = handler.get_query_argument("c", "", strip=False)
    if not name:
        handler.answer(500, '"callback" parameter required')
        return None
    if not _NAME.fullmatch(name):
        handler.answer(400, '"callback" must be a name')
        return None
    return name.encode()
