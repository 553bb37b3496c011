"""The records that Django keeps in Redis and the gateway reads."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from .errors import ChannelNameError
from .names import BROADCAST, check_channel, user_channel

SESSION_FIELDS = ("user", "auth")
"""The fields of a session record that identify.

The native engine adds ``data`` and, for a session whose life counts from its last use, ``age``
in seconds: so far a gateway may prolong it (``keep_sessions_alive``).
"""

MOVED_S = 120
"""For how long a session that moved (``cycle_key``) leaves its new sid under its old key, as
``moved``: for a gateway that did not hear of it.
"""

USER_FIELDS = ("auth", "channels", "rights")
"""The fields of a user record that the gateway reads; Django keeps more for itself."""

USER_MARGIN_S = 60
"""A user record lives so much longer than the longest session of the user."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A login: ``user`` is the pk as text, or empty for an anonymous visitor.

    ``auth`` is the digest of the session's auth hash (``names.auth_digest``).
    """

    user: str
    auth: str

    def to_hash(self) -> dict[str, str]:
        """Give the fields as Redis keeps them."""
        return {"user": self.user, "auth": self.auth}


@dataclass(frozen=True, slots=True)
class UserRecord:
    """What is true of a user now: the valid auth digest, and the channels that he hears.

    ``auth`` may list several digests, separated by spaces: while Django's ``SECRET_KEY`` rotates
    (``SECRET_KEY_FALLBACKS``), a login under an older key stands too. ``rights`` names what the
    user may do, and is another name whenever that has changed: a grant that was issued under
    another opens nothing.
    """

    auth: str
    channels: tuple[str, ...] = ()
    rights: str = ""

    def to_hash(self) -> dict[str, str]:
        """Give the fields as Redis keeps them: ``channels`` is a JSON array."""
        channels = msgspec.json.encode(self.channels).decode()
        return {"auth": self.auth, "channels": channels, "rights": self.rights}


def read_session(values: Mapping[str, bytes | None]) -> SessionRecord | None:
    """Read a session record's fields; a hash without them is no session."""
    user, auth = values.get("user"), values.get("auth")
    if user is None or auth is None:
        return None
    return SessionRecord(user.decode(errors="replace"), auth.decode(errors="replace"))


def read_user(values: Mapping[str, bytes | None]) -> UserRecord | None:
    """Read a user record's fields; channels that are no channel names are left out."""
    auth = values.get("auth")
    if not auth:
        return None
    rights = (values.get("rights") or b"").decode(errors="replace")
    channels = _channels(values.get("channels") or b"[]")
    return UserRecord(auth.decode(errors="replace"), channels, rights)


def _channels(text: bytes) -> tuple[str, ...]:
    try:
        names = msgspec.json.decode(text, type=list[str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    return tuple(name for name in names if _is_channel(name))


def _is_channel(name: str) -> bool:
    try:
        return bool(check_channel(name))
    except ChannelNameError:
        return False


def is_valid_login(session: SessionRecord | None, user: UserRecord | None) -> bool:
    """Tell whether a session still stands: his user record exists and carries its digest."""
    if session is None:
        return False
    if not session.user:
        return True
    return user is not None and session.auth in user.auth.split()


def channels_of(session: SessionRecord, user: UserRecord | None) -> tuple[str, ...]:
    """List the channels that a valid session hears without asking."""
    if not session.user or user is None:
        return (BROADCAST,)
    return (user_channel(session.user), BROADCAST, *user.channels)
