"""What browsers send: an array of strings, and nothing but that. Pure."""

import msgspec


class Malformed(ValueError):
    """A payload cannot be read; the text is what the SockJS protocol tells the browser."""


class Misused(ValueError):
    """A payload is JSON, but no array of strings."""


_messages = msgspec.json.Decoder(list[str])


def read_messages(payload: bytes) -> list[str]:
    """Decode ``["…","…"]``.

    Raises:
        Malformed: it is empty, not UTF-8, not JSON, or holds half a surrogate pair.
        Misused: it begins as JSON of another shape.
    """
    if not payload:
        raise Malformed("Payload expected.")
    try:
        return _messages.decode(payload)
    except msgspec.ValidationError as error:
        raise Misused(str(error)[:200]) from error
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed("Broken JSON encoding.") from error


def exceeds(messages: list[str], limit_bytes: int) -> bool:
    """Tell whether one of the messages is longer than it may be, in UTF-8."""
    return any(len(message.encode()) > limit_bytes for message in messages)
