"""A client of the gateway for Python programs: services, tests and tools.

::

    from sockgate.client import Client, Message, SiteSession

    with Client(SiteSession("https://shop.example", {"sessionid": "…"})) as client:
        client.subscribe("room:7")
        for event in client:
            if isinstance(event, Message):
                print(event.channel, event.event, event.data)

It needs the extra ``sockgate[client]``, and no settings of Django. ``Client`` blocks, and
``AsyncClient`` runs on asyncio.
``docs/python-client.md`` explains all of it.
"""

from .async_client import AsyncClient
from .backoff import Reconnect
from .credentials import CredentialSource, IssuedGrant, IssuedToken
from .errors import (
    ClientError,
    ConnectionClosed,
    CredentialsError,
    NotConnected,
    RequestRejected,
)
from .events import (
    Event,
    FrameRejected,
    Gap,
    Joined,
    Left,
    Message,
    Presence,
    PresenceChanged,
    State,
    StateChanged,
    Subscribed,
    Unsubscribed,
    UserChanged,
)
from .site import SiteSession
from .sockets import SocketOptions
from .sources import CallableSource
from .sync_client import Client

__all__ = [
    "AsyncClient",
    "CallableSource",
    "Client",
    "ClientError",
    "ConnectionClosed",
    "CredentialSource",
    "CredentialsError",
    "Event",
    "FrameRejected",
    "Gap",
    "IssuedGrant",
    "IssuedToken",
    "Joined",
    "Left",
    "Message",
    "NotConnected",
    "Presence",
    "PresenceChanged",
    "Reconnect",
    "RequestRejected",
    "SiteSession",
    "SocketOptions",
    "State",
    "StateChanged",
    "Subscribed",
    "Unsubscribed",
    "UserChanged",
]
