"""The fields of a log line: ``event=closed user=%s code=%d`` with its values.

Strategy: a line is read by its template, never by its text. So a value that looks like fields stays
one value, and numbers stay numbers.
"""

import logging
import re
from functools import lru_cache

Field = str | int | float | bool | None

_CONVERSION = r"%[-#0 +]*\d*(?:\.\d+)?[a-zA-Z%]"
_TOKEN = re.compile(
    rf"(?P<name>[a-z_]+)=(?:'(?P<quoted>[^']*)'|(?P<one>{_CONVERSION})(?=\s|$)|(?P<plain>[^\s']+))"
    rf"|(?P<other>{_CONVERSION})"
)
_IN_TEXT = re.compile(_CONVERSION)


def fields_of(record: logging.LogRecord) -> dict[str, Field]:
    """Return the fields of a record by name; empty for a line of another form."""
    template, values = str(record.msg), record.args
    if not template.startswith("event=") or not isinstance(values, tuple):
        return {}
    found: dict[str, Field] = {}
    at = 0
    for name, form, count in _tokens(template):
        used, at = values[at : at + count], at + count
        if name:
            found[name] = _field(form, used)
    return found


@lru_cache(maxsize=512)
def _tokens(template: str) -> tuple[tuple[str, str, int], ...]:
    """Return name, form and number of values of each field; other values have no name."""
    tokens = []
    for match in _TOKEN.finditer(template):
        form = next(filter(None, match.group("quoted", "one", "plain", "other")), "")
        count = sum(found != "%%" for found in _IN_TEXT.findall(form))
        tokens.append((match["name"] or "", form, count))
    return tuple(tokens)


def _field(form: str, values: tuple[object, ...]) -> Field:
    is_value = len(values) == 1 and _IN_TEXT.fullmatch(form)
    if not is_value:
        return form % values
    value = values[0]
    if form[-1] in "eEfFgG":
        return float(form % value)
    if form[-1] == "d":
        return int(form % value)
    return value if isinstance(value, bool | int | float | None) else str(value)
