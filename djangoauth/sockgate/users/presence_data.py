"""What presence shows of a user: ``SOCKGATE["PRESENCE_DATA"]``, called with the user."""

import logging
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.module_loading import import_string
from sockgate_gateway.wire.limits import MAX_DATA_BYTES
from sockgate_gateway.wire.presence import is_data

from .. import conf

log = logging.getLogger("sockgate")

NOTHING = b"null"
"""Of a user without data. An empty field was written without ``PRESENCE_DATA``."""


def data_of(user: Any) -> bytes:
    """Return the data of a user, as JSON; empty without the setting.

    It must not prevent a login: what the callable raises, and a bad value, is logged, and the user
    has no data.
    """
    describe = conf.current().presence_data
    if describe is None:
        return b""
    try:
        if isinstance(describe, str):
            describe = import_string(describe)
        found = describe(user)
        return NOTHING if found is None else _encoded(found)
    except Exception:
        log.exception('user=%s: SOCKGATE["PRESENCE_DATA"] failed; presence shows no data', user.pk)
        return NOTHING


def _encoded(found: Any) -> bytes:
    if not isinstance(found, dict):
        raise TypeError(f"it must return a dict or None, not {type(found).__name__}")
    # Lazy translations, dates and decimals become what they are in templates of Django.
    text = DjangoJSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(
        found
    )
    raw = text.encode()
    if len(raw) > MAX_DATA_BYTES:
        raise ValueError(f"{len(raw)} bytes are too many; {MAX_DATA_BYTES} are allowed")
    return raw if is_data(raw) else NOTHING


def is_written(field: bytes | None) -> bool:
    """Check that the field of a record was written with the present setting on."""
    return conf.current().presence_data is None or bool(field)
