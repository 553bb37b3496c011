"""The errors of the wire.

WireError
 +-- TokenError
 |    +-- TokenInvalid      forged, malformed, or made for another deployment
 |    |    +-- TokenOfUnknownKey   signed by a key that this side does not have
 |    +-- TokenExpired      genuine, but outside its validity
 +-- ChannelNameError       not a channel name
 +-- FrameError             not a frame that a client may send
 +-- PayloadError           not a publication that can be delivered
 +-- MarkupError            markup for pages without a valid signature
 +-- ControlError           not a control message
 +-- InspectionError        not a question, or not an answer, of ours
 +-- NamespacesError        not a table of namespaces
 +-- AddressError           not a URL of Redis
 +-- PrefixError            not a prefix of Redis keys or channels
 +-- TenantError            not the name of a tenant
"""


class WireError(ValueError):
    """Something on the wire breaks the contract."""


class TokenError(WireError):
    """A token is rejected."""


class TokenInvalid(TokenError):
    """A token was forged, damaged, or signed for another deployment."""


class TokenOfUnknownKey(TokenInvalid):
    """A token was signed by a key that this side does not have, or forged.

    Args:
        key_id: what the token says of its key, unverified; empty: nothing.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__("not signed by us")
        self.key_id = key_id


class TokenExpired(TokenError):
    """A token is genuine, but too old or from the future.

    Args:
        age_s: seconds since it was signed, by our clock.
    """

    def __init__(self, age_s: float) -> None:
        super().__init__(f"signed {age_s:.0f} s ago")
        self.age_s = age_s


class ChannelNameError(WireError):
    """A text is not a channel name."""


class FrameError(WireError):
    """A client sent something that is not a frame."""


class PayloadError(WireError):
    """A publication cannot be delivered: it is not UTF-8, or too large."""


class MarkupError(WireError):
    """Markup that pages would insert is not signed, or its signature is void.

    Args:
        cause: ``unsigned``, ``forged``, ``expired`` or ``future``.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(f"markup is refused: {cause}")
        self.cause = cause


class ControlError(WireError):
    """A control message is not one that this version knows."""


class InspectionError(WireError):
    """A question of Django, or the answer of a worker, is refused.

    Args:
        cause: one word.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(f"refused: {cause}")
        self.cause = cause


class NamespacesError(WireError):
    """A text is not a table of namespaces and their policies."""


class AddressError(WireError):
    """A text is not a URL of Redis; the message, which follows the name of a setting, says why."""


class PrefixError(WireError):
    """A text cannot begin Redis keys or channels; the message follows the name of a setting."""


class TenantError(WireError):
    """``SOCKGATE["TENANT"]``, or an argument ``tenant``, is not the name of a tenant."""
