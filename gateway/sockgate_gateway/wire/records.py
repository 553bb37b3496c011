"""The records that Django keeps in Redis and the gateway reads."""

from collections.abc import Mapping

import msgspec

from .errors import ChannelNameError, TenantError
from .names import BROADCAST, check_qualified_channel, user_channel
from .tenants import in_tenant, tenant_of

SESSION_FIELDS = ("user", "auth")
"""The fields of a session record that identify.

The native engine adds ``data``. For a session that expires some time after its last use it also
adds ``age`` in seconds: a gateway may prolong the session by so much (``keep_sessions_alive``).
"""

MOVED_S = 120
"""For how long a moved session (``cycle_key``) leaves its new sid under its old key, as ``moved``,
for a gateway that missed the control message.
"""

USER_FIELDS = ("auth", "channels", "rights")
"""The fields of a user record that the gateway reads; Django keeps others beside them."""

USER_MARGIN_S = 60
"""A user record expires so much later than the user's longest session."""


class SessionRecord(msgspec.Struct, frozen=True, gc=False):
    """A login: ``user`` is the pk as text, or empty for an anonymous visitor.

    ``auth`` is the digest of the session's auth hash (``names.auth_digest``).
    """

    user: str
    auth: str

    def to_hash(self) -> dict[str, str]:
        """Return the fields of the Redis hash."""
        return {"user": self.user, "auth": self.auth}


class UserRecord(msgspec.Struct, frozen=True, gc=False):
    """The present state of a user: the valid auth digest, and the automatic channels.

    ``auth`` may list several digests, separated by spaces. While Django's ``SECRET_KEY`` rotates
    (``SECRET_KEY_FALLBACKS``), a login under an older key is valid, too. ``rights`` is a name for
    the user's rights, and changes with them. A grant from before the change is rejected.
    """

    auth: str
    channels: tuple[str, ...] = ()
    rights: str = ""

    def to_hash(self) -> dict[str, str]:
        """Return the fields of the Redis hash; ``channels`` is a JSON array."""
        channels = msgspec.json.encode(self.channels).decode()
        return {"auth": self.auth, "channels": channels, "rights": self.rights}


def read_session(values: Mapping[str, bytes | None]) -> SessionRecord | None:
    """Read a session record's fields; a hash without them is not a session."""
    user, auth = values.get("user"), values.get("auth")
    if user is None or auth is None:
        return None
    return SessionRecord(user.decode(errors="replace"), auth.decode(errors="replace"))


def read_user(values: Mapping[str, bytes | None]) -> UserRecord | None:
    """Read a user record's fields; invalid channel names are omitted."""
    auth = values.get("auth")
    if not auth:
        return None
    rights = (values.get("rights") or b"").decode(errors="replace")
    channels = _channels(values.get("channels") or b"[]")
    return UserRecord(auth.decode(errors="replace"), channels, rights)


def _channels(text: bytes) -> tuple[str, ...]:
    if text == b"[]":
        return ()
    try:
        names = msgspec.json.decode(text, type=list[str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    return tuple(name for name in names if _is_channel(name))


def _is_channel(name: str) -> bool:
    try:
        return bool(check_qualified_channel(name))
    except (ChannelNameError, TenantError):
        return False


def is_valid_login(session: SessionRecord | None, user: UserRecord | None) -> bool:
    """Return whether a session is valid: its user's record exists and carries its digest."""
    if session is None:
        return False
    if not session.user:
        return True
    return user is not None and session.auth in user.auth.split()


def channels_of(session: SessionRecord, user: UserRecord | None, sid: str = "") -> tuple[str, ...]:
    """List the automatic channels of a valid session, of its own tenant only.

    Raises:
        ChannelNameError, TenantError: the user's id is one that Django does not write.
    """
    tenant = tenant_of(sid)
    broadcast = in_tenant(tenant, BROADCAST) if tenant else BROADCAST
    if not session.user or user is None:
        return (broadcast,)
    own = user_channel(session.user)
    if not user.channels:
        return (own, broadcast)
    return (own, broadcast, *[name for name in user.channels if tenant_of(name) == tenant])
