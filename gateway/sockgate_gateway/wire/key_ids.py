"""One-way names of signing keys, for comparing the keys of Django and the gateway. Pure.

A *fingerprint* names a key in the registry of deployments in Redis. A *key id* is its beginning. It
stands in tokens, logs and messages for people. A key has 32 characters or more, so that a name of
48 bits does not help to guess it: anybody with a token can check a guess anyway.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable

_FINGERPRINT_LENGTH = 16
_KEY_ID_LENGTH = 8
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{8}")


def fingerprint(key: str) -> str:
    """Return the one-way name of a signing key, 96 bits."""
    digest = hashlib.sha256(b"sockgate.deployment.v1:" + key.encode()).digest()
    return urlsafe_b64encode(digest).decode()[:_FINGERPRINT_LENGTH]


def key_id(key: str) -> str:
    """Return the short name of a signing key, 48 bits."""
    return short(fingerprint(key))


def short(fingerprint: str) -> str:
    """Return the key id of a fingerprint."""
    return fingerprint[:_KEY_ID_LENGTH]


def key_ids(keys: Iterable[str]) -> list[str]:
    """Return the key ids of signing keys, in their order."""
    return list(map(key_id, keys))


def is_key_id(value: object) -> bool:
    """Return whether a value has the form of a key id."""
    return isinstance(value, str) and _KEY_ID.fullmatch(value) is not None
