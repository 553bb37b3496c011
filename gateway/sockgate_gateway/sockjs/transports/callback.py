"""The name of the page's function that a script calls; nothing else is accepted."""

import re

from ..handler import Handler

_NAME = re.compile(r"[A-Za-z0-9_.]{1,64}")
_PLAIN = re.compile(r"(?:^|&)c=([A-Za-z0-9_.]{1,64})(?=&|$)")


def read_callback(handler: Handler) -> bytes | None:
    """Return the parameter ``c``; answer with an error and return None when it is wrong."""
    name = handler.get_query_argument("c", "", strip=False)
    if not name:
        handler.answer(500, '"callback" parameter required')
        return None
    if not _NAME.fullmatch(name):
        handler.answer(400, '"callback" must be a name')
        return None
    return name.encode()


def find_callback(query: str) -> bytes | None:
    """Return the parameter ``c`` of a query that has it once, as a plain name; else None."""
    names: list[str] = _PLAIN.findall(query)
    return names[0].encode() if len(names) == 1 else None
