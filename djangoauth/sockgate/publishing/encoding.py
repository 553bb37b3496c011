"""The payload of a publication: UTF-8 JSON, ``{"event": …, "data": …}``.

Of Django, this module imports only the JSON encoder, which needs no settings.
"""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from sockgate_gateway.wire.events import HTML, RESERVED_EVENTS, TOUCH

from ..errors import EventNameError, PublicationInvalid, PublicationTooLarge


def encode(event: str, data: Any, limit_bytes: int) -> bytes:
    """Encode a publication.

    Raises:
        EventNameError: the event is not a text, is empty, or is reserved.
        PublicationInvalid: the data has no JSON form. Examples are an unknown type, NaN, a lone
            surrogate and a circular reference.
        PublicationTooLarge: the payload has more bytes than the limit.
    """
    _check_event(event)
    return encode_own(event, data, limit_bytes)


def encode_own(event: str, data: Any, limit_bytes: int) -> bytes:
    """Encode a publication of an event that only we publish; raises as ``encode``."""
    payload = _to_json({"event": event, "data": data})
    if len(payload) > limit_bytes:
        raise PublicationTooLarge(f"{len(payload)} bytes are over the limit of {limit_bytes}")
    return payload


def _check_event(event: object) -> None:
    if not isinstance(event, str) or not event:
        raise EventNameError(
            f"an event must be a text that is not empty, not {type(event).__name__}; "
            'the order is publish(user, "event", data)'
        )
    if event in RESERVED_EVENTS:
        raise EventNameError(
            f"the event {event!r} is reserved: the client emits it itself. Choose another name "
            f"than {', '.join(sorted(RESERVED_EVENTS))}"
        )
    if event == TOUCH:
        raise EventNameError(
            f"the event {TOUCH!r} means that something changed, and carries no data: call "
            "touch(channel), or choose another name"
        )
    if event == HTML:
        raise EventNameError(f"the event {HTML!r} is reserved: call publish_html(…)")


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
        # An encoding error carries the whole text, and a payload must not reach a log.
        cause = "a lone surrogate" if isinstance(error, UnicodeError) else str(error)
        raise PublicationInvalid(
            f"the data has no JSON form: {cause}. Pass dicts, lists, texts, numbers, booleans or "
            "None, or what DjangoJSONEncoder takes; for a queryset, list(queryset.values(…))"
        ) from None
