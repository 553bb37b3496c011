r"""Lone surrogates in JSON text, which JavaScript writes and strict parsers reject.

A JavaScript string may hold half of a surrogate pair. ``JSON.stringify`` writes it as an escape,
``"\ud800"``. That is JSON by the grammar of RFC 8259 (section 8.2), and every browser reads it back
unchanged. msgspec rejects it, so such a text is checked in a copy without it.
"""

import re

_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # A pair,
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one,
    r"|\\."  # or any other escape: after ``\\\\``, ``ud800`` is plain text.
)


def has_lone_surrogate(text: str) -> bool:
    """Return whether a text has half of a surrogate pair, so that it cannot be encoded.

    Python reads each byte of the environment and of flags that is not UTF-8 as one (PEP 383).
    """
    return any("\ud800" <= character <= "\udfff" for character in text)


def replace_lone_surrogates(text: str) -> str:
    """Write U+FFFD for each escaped lone surrogate; the length stays the same."""
    return _ESCAPE.sub(lambda escape: r"\ufffd" if escape[1] else escape[0], text)
