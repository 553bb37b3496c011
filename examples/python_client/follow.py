"""Follow what a user of a site receives, with the cookie of a login.

    python follow.py https://shop.example <value of the cookie sessionid>

It also follows the channel ``room:7``, where the site allows that.
"""

import sys
from collections.abc import Iterator

from sockgate.client import Client, Gap, Message, RequestRejected, SiteSession


def follow(site: str, session_key: str) -> Iterator[str]:
    """Return a line for each message and each gap."""
    with Client(SiteSession(site, {"sessionid": session_key})) as client:
        try:
            client.subscribe("room:7")
        except RequestRejected as rejection:
            yield f"room:7 is rejected: {rejection}"
        for event in client:
            if isinstance(event, Message):
                yield f"{event.channel} {event.event} {event.data}"
            elif isinstance(event, Gap):
                yield f"{event.channel}: messages may be missing, read the state again"


if __name__ == "__main__":
    for line in follow(*sys.argv[1:]):
        print(line, flush=True)
