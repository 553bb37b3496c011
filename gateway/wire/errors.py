"""The errors of the wire.

WireError
 +-- TokenError
 |    +-- TokenInvalid      forged, malformed, or made for another deployment
 |    +-- TokenExpired      genuine, but outside its validity
 +-- ChannelNameError       not a channel name
 +-- FrameError             not a frame that a client may send
 +-- PayloadError           not a publication that can be delivered
 +-- ControlError           not a control message
 +-- NamespacesError        not a table of namespaces
 +-- AddressError           not a URL of Redis
"""


class WireError(ValueError):
    """Something on the wire is not what both ends agreed on."""


class TokenError(WireError):
    """A token opens nothing."""


class TokenInvalid(TokenError):
    """A token was forged, damaged, or signed for another deployment."""


class TokenExpired(TokenError):
    """A token is genuine, but too old or from the future."""


class ChannelNameError(WireError):
    """A text is not a channel name."""


class FrameError(WireError):
    """A client sent something that is not a frame."""


class PayloadError(WireError):
    """A publication cannot be delivered: it is not UTF-8, or too large."""


class ControlError(WireError):
    """A control message is not one that this version knows."""


class NamespacesError(WireError):
    """A text is not a table of namespaces and their policies."""


class AddressError(WireError):
    """A text is not a URL of Redis; the message, which follows the name of a setting, says why."""
