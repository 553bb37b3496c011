"""Names of events that are reserved for the browser client.

``clientjs/src/client.js`` has the same list; ``tests/vectors.json`` keeps both equal.
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
