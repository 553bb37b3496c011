"""The errors of the Django app.

SockgateError
 +-- PublicationError           a publication cannot be sent as it is (also a ValueError)
 |    +-- PublicationInvalid    the data has no JSON form, or the recipient cannot exist
 |    |    +-- EventNameError   the event is not a text, is empty, or is reserved
 |    +-- PublicationTooLarge   the payload is over ``SOCKGATE["MAX_PAYLOAD"]``
 +-- GrantError                 a channel cannot be granted
 |    +-- LoginRequired         the visitor has not logged in
 |    +-- SubscriptionRefused   ``SOCKGATE["AUTHORIZE"]`` refuses, or only the server subscribes
 |         +-- AuthorizeMissing  ``SOCKGATE["AUTHORIZE"]`` is not set
 +-- SessionChangePending       the session is about to change; ask again in a moment

Other errors:

* ``ImproperlyConfigured`` of Django: bad settings.
* ``ChannelNameError`` (also a ValueError): a text that is not a channel name.
* ``TenantError`` (also a ValueError): a text that is not a tenant's name.
* ``TypeError``: an unknown keyword.
* ``redis.RedisError``: Redis fails or does not answer.
"""

from sockgate_gateway.wire.errors import ChannelNameError, TenantError
from sockgate_gateway.wire.names import namespace_of

__all__ = [
    "AuthorizeMissing",
    "ChannelNameError",
    "EventNameError",
    "GrantError",
    "LoginRequired",
    "ProgressFailed",
    "PublicationError",
    "PublicationInvalid",
    "PublicationTooLarge",
    "SessionChangePending",
    "SockgateError",
    "SubscriptionRefused",
    "TenantError",
]


class SockgateError(Exception):
    """Sockgate cannot do what was requested."""


class PublicationError(SockgateError, ValueError):
    """A publication cannot be sent as it is."""


class PublicationInvalid(PublicationError):
    """The data of a publication has no JSON form, or its recipient cannot exist."""


class EventNameError(PublicationInvalid):
    """An event is not a text, is empty, or is reserved (``wire.events.RESERVED_EVENTS``)."""


class PublicationTooLarge(PublicationError):
    """The payload of a publication is over the size limit."""


class ProgressFailed(SockgateError):
    """The work of a ``progress`` has failed; the text is shown to its user."""


class SessionChangePending(SockgateError):
    """The session is about to move to another key or password; ask again in a moment."""


class GrantError(SockgateError):
    """A channel cannot be granted."""


class LoginRequired(GrantError):
    """The visitor has not logged in."""


class SubscriptionRefused(GrantError):
    """The user may not subscribe, or only the server subscribes to the channel."""


class AuthorizeMissing(SubscriptionRefused):
    """``SOCKGATE["AUTHORIZE"]`` is not set, so that every subscription is refused."""

    def __init__(self, channel: str) -> None:
        super().__init__(
            f'The subscription to {channel} is refused, because SOCKGATE["AUTHORIZE"] is not set. '
            "Set it to the dotted path of a callable that takes the request and the channel, or "
            f'declare the namespace {namespace_of(channel)!r} with "public": True.'
        )
