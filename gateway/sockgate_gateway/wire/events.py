"""Names of events that have a meaning of their own.

``clientjs/src/client.js`` has the same list of reserved ones; ``tests/vectors.json`` keeps both
equal.
"""

RESERVED_EVENTS = frozenset(
    {
        "*",
        "error",
        "gap",
        "join",
        "leave",
        "presence",
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
"""The event "something changed here". It carries no data, and is published by ``touch`` alone."""

TOUCH_PAYLOAD = b'{"event":"touch","data":null}'
"""The payload of a touch. A browser cannot publish it: its events begin with ``client-``."""
