"""What a publication is made of: UTF-8 JSON, ``{"event": …, "data": …}``.

Imports of Django its JSON encoder alone, which needs no settings.
"""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from .errors import PublicationInvalid, PublicationTooLarge


def encode(event: str, data: Any, limit_bytes: int) -> bytes:
    """Encode a publication.

    Raises:
        PublicationInvalid: it has no JSON form: an unknown type, NaN, a lone surrogate, a circle.
        PublicationTooLarge: it has more bytes than the limit.
    """
    if not isinstance(event, str) or not event:
        raise PublicationInvalid("an event is a text that is not empty")
    payload = _to_json({"event": event, "data": data})
    if len(payload) > limit_bytes:
        raise PublicationTooLarge(f"{len(payload)} bytes are over the limit of {limit_bytes}")
    return payload


def _to_json(value: Any) -> bytes:
    try:
        text = json.dumps(
            value,
            cls=DjangoJSONEncoder,
            allow_nan=False,
            ensure_ascii=False,
            separators=(",", ":"),
        )
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        # An encoding error carries the whole text, and payloads do not belong in logs.
        cause = "a lone surrogate" if isinstance(error, UnicodeError) else str(error)
        raise PublicationInvalid(f"the data has no JSON form: {cause}") from None
