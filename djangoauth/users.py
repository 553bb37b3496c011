"""User records: what is true of a user now, as the gateway reads it.

A record is written at login, and healed whenever a login is seen that it does not know. Later
changes are read back from the database, never from an instance at hand, which may hold what was
never saved; they touch existing records only, for who has no record has no valid login to lose.
"""

import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import FieldDoesNotExist
from django.db.models import ManyToManyField, Model

from gateway.wire.control import RevokeUser, UserChanged, write_control
from gateway.wire.errors import ChannelNameError
from gateway.wire.names import auth_digest, group_channel
from gateway.wire.records import SessionRecord, UserRecord, is_valid_login, read_user

from . import conf, redis_clients
from .errors import PublicationInvalid
from .lua import WRITE_USER

log = logging.getLogger("djangoauth")

_BATCH = 500


def uid_of(user: Any) -> str:
    """Name a user on the wire, as Django names him in the session.

    Args:
        user: a saved user, or a pk.

    Raises:
        PublicationInvalid: it is an anonymous visitor, or a user without a pk.
    """
    if isinstance(user, Model):
        is_saved = user.pk is not None
        uid = get_user_model()._meta.pk.value_to_string(user) if is_saved else ""
    else:
        uid = "" if user is None or getattr(user, "is_anonymous", False) else str(user)
    if not uid:
        raise PublicationInvalid("a visitor who has not logged in has no channel of his own")
    return uid


def write(user: Any, ttl_s: int) -> None:
    """Write the record of a user who has logged in, unless he is not active.

    Args:
        user: a saved user.
        ttl_s: seconds until his session ends; the record lives at least as long.
    """
    if _is_active(user):
        _write(redis_clients.records(), user, ttl_s)


def heal(uid: str, ttl_s: int) -> None:
    """Write the record of a user whose login Redis does not know, as the database has him.

    A password that changes meanwhile is saved first and told then. Whoever writes last must have
    read after that save, so what was written is compared with the database once more.
    """
    for user in _load([uid], None):
        write(user, ttl_s)
        if [_record(now) for now in _load([uid], None) if _is_active(now)] != [_record(user)]:
            refresh([user.pk])


def refresh(pks: Iterable[Any], using: str | None = None) -> None:
    """Bring the records of users in line with the database, ending those of the inactive.

    Args:
        pks: of users, be they deleted by now.
        using: the database alias.
    """
    rest = iter(pks)
    while batch := list(islice(rest, _BATCH)):
        found = {uid_of(user): user for user in _load(batch, using) if _is_active(user)}
        with redis_clients.records().pipeline(transaction=False) as pipe:
            for uid in map(uid_of, batch):
                _write(pipe, found[uid]) if uid in found else _remove(pipe, uid)
            pipe.execute()


def forget(uid: str) -> None:
    """End every login of a user for the gateways."""
    with redis_clients.records().pipeline(transaction=True) as pipe:
        _remove(pipe, uid)
        pipe.execute()


def knows(fields: list[bytes | None], session: SessionRecord) -> bool:
    """Tell whether a user record, as Redis gave its ``USER_FIELDS``, lets a session stand."""
    auth, channels = fields
    return is_valid_login(session, read_user({"auth": auth, "channels": channels}))


def _load(pks: list[Any], using: str | None) -> Iterable[Any]:
    users = get_user_model()._base_manager.using(using).filter(pk__in=pks)
    return users.prefetch_related("groups") if groups_field() else users


def _is_active(user: Any) -> bool:
    return bool(getattr(user, "is_active", True))


def _write(client: Any, user: Any, *ttl_s: int) -> None:
    names, uid, fields = conf.current().names, uid_of(user), _record(user).to_hash()
    told = (names.control, write_control(UserChanged(uid)))
    client.eval(WRITE_USER, 1, names.user(uid), fields["auth"], fields["channels"], *told, *ttl_s)


def _remove(pipe: Any, uid: str) -> None:
    names = conf.current().names
    pipe.delete(names.user(uid))
    pipe.publish(names.control, write_control(RevokeUser(uid)))


def _record(user: Any) -> UserRecord:
    return UserRecord(" ".join(map(auth_digest, _auth_hashes(user))), tuple(_channels(user)))


def _auth_hashes(user: Any) -> Iterator[str]:
    # As django.contrib.auth.login() does: a model without a hash has the empty one.
    yield user.get_session_auth_hash() if hasattr(user, "get_session_auth_hash") else ""
    if settings.SECRET_KEY_FALLBACKS and hasattr(user, "get_session_auth_fallback_hash"):
        yield from user.get_session_auth_fallback_hash()


def _channels(user: Any) -> Iterator[str]:
    if not conf.current().groups or not groups_field():
        return
    for group in sorted(user.groups.all(), key=lambda group: str(group.name)):
        try:
            yield group_channel(group.name)
        except ChannelNameError:
            log.warning("group=%s has no channel: its name is too long", group.pk)


def groups_field() -> "ManyToManyField[Any, Any] | None":
    """Find the user model's ``groups``, if it has Django's."""
    try:
        field = get_user_model()._meta.get_field("groups")
    except FieldDoesNotExist:
        return None
    is_djangos = isinstance(field, ManyToManyField) and field.related_model is Group
    return field if is_djangos else None
