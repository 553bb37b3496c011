"""Bind a SockJS session to its client, although proxies log the session's URLs.

Strategy: the client makes a secret for each session, and never puts it into a URL. Requests with
a body carry the secret itself. A GET carries a one-time ticket, ``<number>-<digest>``, in its
query. A log shows the ticket only when it has been used. Ticket *n* is a digest of the secret
and *n*.
The first GET opens the session before the gateway knows the secret: its ticket 0 is the digest of
ticket 1, so that the gateway can check ticket 1, and later the secret, against it.
"""

import re
from hashlib import sha256
from hmac import compare_digest

_SECRET = re.compile(r"[A-Za-z0-9_-]{20,128}")
_TICKET = re.compile(r"(0|[1-9][0-9]{0,9})-([0-9a-f]{32})")
_DIGEST_LENGTH = 32  # Hexadecimal: 128 bits.


def is_secret(text: str) -> bool:
    """Return whether a text can be the secret of a session."""
    return _SECRET.fullmatch(text) is not None


def ticket(secret: str, number: int) -> str:
    """Write the ticket of one GET."""
    digest = _digest(_proof(secret, 1)) if number == 0 else _proof(secret, number)
    return f"{number}-{digest}"


def _proof(secret: str, number: int) -> str:
    return _digest(f"{secret}:{number}")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


class Binding:
    """The secret that the requests of one session must show.

    Args:
        commitment: the digest of ticket 1.
        secret: None until a request has shown it.
        binds_receivers: False when only the first frame named the secret: such a client cannot
            show it when it receives.
    """

    __slots__ = ("_commitment", "_last_number", "_secret", "binds_receivers")

    def __init__(
        self, commitment: str, secret: str | None = None, *, binds_receivers: bool = True
    ) -> None:
        self._commitment = commitment
        self._secret = secret
        self._last_number = 0
        self.binds_receivers = binds_receivers

    @classmethod
    def of_secret(cls, secret: str, *, binds_receivers: bool = True) -> "Binding | None":
        """Bind to a secret; return None when the text is not a secret."""
        if not is_secret(secret):
            return None
        return cls(_digest(_proof(secret, 1)), secret, binds_receivers=binds_receivers)

    @classmethod
    def of_ticket(cls, text: str) -> "Binding | None":
        """Bind to the ticket of the GET that opens a session; None when it is not a ticket."""
        parts = _TICKET.fullmatch(text)
        return None if parts is None else cls(parts[2])

    def admits_secret(self, text: str) -> bool:
        """Return whether a body shows the session's secret."""
        if not is_secret(text):
            return False
        if self._secret is not None:
            return compare_digest(text, self._secret)
        if not compare_digest(_digest(_proof(text, 1)), self._commitment):
            return False
        self._secret = text
        return True

    def admits_ticket(self, text: str) -> bool:
        """Return whether a GET shows an unused ticket of the session; mark it as used."""
        parts = _TICKET.fullmatch(text)
        if parts is None:
            return False
        number = int(parts[1])
        if number <= self._last_number or not self._is_genuine(number, parts[2]):
            return False
        self._last_number = number
        return True

    def _is_genuine(self, number: int, digest: str) -> bool:
        if self._secret is not None:
            return compare_digest(digest, _proof(self._secret, number))
        return number == 1 and compare_digest(_digest(digest), self._commitment)
