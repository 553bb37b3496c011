"""Names of events that have a meaning of their own.

``clientjs/src/core/client.js`` has the same list of reserved ones; ``tests/vectors.json`` keeps
both equal.
"""

RESERVED_EVENTS = frozenset(
    {
        "*",
        "error",
        "gap",
        "join",
        "leave",
        "presence",
        "presence_changed",
        "session-expiring",
        "state",
        "subscribed",
        "unsubscribed",
        "user",
    }
)
"""Events that the client emits itself: about the connection, a channel, or every event (``*``).

A page could not distinguish a publication of such a name from the client's own event. Django raises
an error for it. After a plain ``PUBLISH`` of such a name, pages receive the event ``message``.
"""

TOUCH = "touch"
"""The event "something changed here". It is published without data, by ``touch``
alone. The gateway writes its data when it delivers it."""

HTML = "sockgate:html"
"""The event of a rendered fragment. Only ``publish_html`` publishes it."""

TURBO_STREAM = "turbo-stream"
"""The event of elements for Turbo, which ``<sockgate-stream-source>`` inserts. Events that begin
with ``turbo-stream:`` are others of this kind."""

TOUCH_PAYLOAD = b'{"event":"touch","data":null}'
"""The payload of a touch without a mark (see ``touches``)."""

SIGNATURE_BYTES = 66
"""How many bytes the signature of markup adds to a payload."""


def is_markup(event: str) -> bool:
    """Return whether our scripts insert the data of an event into pages as markup."""
    return event in (HTML, TURBO_STREAM) or event.startswith(f"{TURBO_STREAM}:")
