"""Secrets: values whose ``repr`` is masked, and URLs without their passwords. Pure.

Error mails, trackers and debuggers show the ``repr`` of every local and of every object in it. So
each secret is a ``Secret`` from the moment it is read. It equals the text, and works as the text.
Where a message has to name a URL, ``without_login`` says it.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

MASK = "<secret>"


class Secret(str):
    """A text whose ``repr`` is masked."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Say only that there is one, or that it is empty."""
        return MASK if self else "''"


class SecretBytes(bytes):
    """Bytes whose ``repr`` is masked."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Say only that there are some."""
        return MASK if self else "b''"


def masked(value: Any) -> Any:
    """Return a value in which each text is a secret, also in lists, tuples and dicts."""
    if isinstance(value, str):
        return value if isinstance(value, Secret) else Secret(value)
    if isinstance(value, bytes):
        return SecretBytes(value)
    if isinstance(value, tuple | list | set | frozenset):
        kind = type(value) if type(value) in (tuple, list, set, frozenset) else tuple
        return kind(map(masked, value))
    if isinstance(value, Mapping):
        return {key: masked(inner) for key, inner in value.items()}
    return value


def without_login(url: str) -> str:
    """Return a URL for a message: without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    if "@" in parts.path or (not parts.netloc and "@" in url):
        return MASK
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
