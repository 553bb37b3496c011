"""The errors of the Django app.

SockgateError
 +-- PublicationError         a publication cannot be sent as it is (also a ValueError)
 |    +-- PublicationInvalid  it has no JSON form
 |    +-- PublicationTooLarge it is over ``SOCKGATE["MAX_PAYLOAD"]``
 +-- GrantError               a channel cannot be granted
      +-- LoginRequired       to nobody who has not logged in
      +-- SubscriptionRefused ``SOCKGATE["AUTHORIZE"]`` says no, or nobody may ask for it

Bad settings raise Django's ``ImproperlyConfigured``, a channel that is no channel name raises
``gateway.wire.errors.ChannelNameError``, and a Redis that fails raises ``redis.RedisError``.
"""


class SockgateError(Exception):
    """Something that Sockgate was asked for cannot be done."""


class PublicationError(SockgateError, ValueError):
    """A publication cannot be sent as it is."""


class PublicationInvalid(PublicationError):
    """A publication has no JSON form, or no one that it could reach."""


class PublicationTooLarge(PublicationError):
    """A publication is over the size limit."""


class SessionSettling(SockgateError):
    """The session is about to go on under another key or another password: ask in a moment."""


class GrantError(SockgateError):
    """A channel cannot be granted to who asks."""


class LoginRequired(GrantError):
    """Nobody is logged in."""


class SubscriptionRefused(GrantError):
    """Who asks may not subscribe, or nobody may ask for the channel."""
