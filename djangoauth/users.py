"""User records: what is true of a user now, as the gateway reads it.

A record is written at login, and healed whenever a login is seen that it does not know. Later
changes are read back from the database, never from an instance at hand, which may hold what was
never saved; they touch existing records only, for who has no record has no valid login to lose.
"""

import logging
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from itertools import islice
from secrets import token_urlsafe
from time import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import router, transaction
from django.db.models import Model

from gateway.wire.control import RevokeUser, UserChanged, write_control
from gateway.wire.errors import ChannelNameError
from gateway.wire.names import auth_digest, group_channel
from gateway.wire.records import (
    USER_FIELDS,
    SessionRecord,
    UserRecord,
    is_valid_login,
    read_user,
)

from . import conf, permissions, redis_clients
from .errors import PublicationInvalid
from .lua import END_RECORD, RENEW_RIGHTS, WRITE_USER

log = logging.getLogger("djangoauth")

Truth = tuple[UserRecord, str]
"""The record of a user, and the digest of what he may do."""

Truths = dict[str, Truth]
"""By uid."""

_BATCH = 500
_NAME_BYTES = 9


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


def heal(uid: str, ttl_s: int) -> None:
    """Write the record of a user whose login Redis does not know, as the database has him.

    Within a transaction that waits for its commit: rights that are rolled back were never his.
    """
    using = router.db_for_write(get_user_model())
    if transaction.get_connection(using).in_atomic_block:
        transaction.on_commit(partial(_heal, uid, ttl_s), using=using, robust=True)
    else:
        _heal(uid, ttl_s)


def _heal(uid: str, ttl_s: int) -> None:
    truths = _truths([uid])
    if uid in truths:
        _write(redis_clients.records(), uid, truths[uid], ttl_s)
        _settle(truths)


def refresh(pks: Iterable[Any], using: str | None = None) -> None:
    """Bring the records of users in line with the database, ending those of the inactive.

    Args:
        pks: of users, be they deleted by now.
        using: the database alias; None: where users are written.
    """
    for batch in _batches(pks):
        _settle(_tell(batch, using), using)


def _settle(written: Truths, using: str | None = None) -> None:
    """Write again what has changed since it was read.

    Each change is saved first and told then. Whoever writes last must have read after all that was
    saved, so what was written is compared with the database once more.
    """
    while written and _truths(written, using) != written:
        written = _tell(written, using)


def _tell(pks: Collection[Any], using: str | None) -> Truths:
    """Write the records that there are of these users, or remove them; give what was written."""
    truths, uids = _truths(pks, using), list(map(uid_of, pks))
    with redis_clients.records().pipeline(transaction=False) as pipe:
        for uid in uids:
            _write(pipe, uid, truths[uid]) if uid in truths else _remove(pipe, uid)
        replies = dict(zip(uids, pipe.execute(), strict=True))
    return {uid: truth for uid, truth in truths.items() if replies.get(uid)}


def renew_rights(pks: Iterable[Any]) -> None:
    """Let the rights of users who are logged in be called otherwise, which voids their grants."""
    for batch in _batches(pks):
        with redis_clients.records().pipeline(transaction=False) as pipe:
            for uid in map(uid_of, batch):
                _rename_rights(pipe, uid)
            pipe.execute()


def refresh_recorded(pks: Iterable[Any], using: str | None = None) -> None:
    """Do as ``refresh``, but ask the database only for those of many who have a record."""
    refresh(_recorded(pks), using)


def _recorded(pks: Iterable[Any]) -> Iterator[Any]:
    names = conf.current().names
    for batch in _batches(pks):
        with redis_clients.records().pipeline(transaction=False) as pipe:
            for pk in batch:
                pipe.exists(names.user(uid_of(pk)))
            yield from (pk for pk, is_there in zip(batch, pipe.execute(), strict=True) if is_there)


def rights_of(uid: str) -> str:
    """Read how the rights of a user are called now; a grant bears that name.

    Raises:
        redis.RedisError: Redis cannot be asked.
    """
    name: Any = redis_clients.records().hget(conf.current().names.user(uid), "rights")
    return (name or b"").decode()


def forget(uid: str) -> None:
    """End every login of a user for the gateways."""
    _remove(redis_clients.records(), uid)


def knows(fields: list[bytes | None], session: SessionRecord) -> bool:
    """Tell whether a user record, as Redis gave its ``USER_FIELDS``, lets a session stand."""
    record = read_user(dict(zip(USER_FIELDS, fields, strict=True)))
    # An older release wrote records without the name of the rights, which no grant can bear.
    return is_valid_login(session, record) and bool(record and record.rights)


def _batches(pks: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(pks)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _truths(pks: Iterable[Any], using: str | None = None) -> Truths:
    """Read in the database what is true of those of these users who are active."""
    # Where users are written, if nobody says: a replica may still have them as they were.
    model = get_user_model()
    found = model._base_manager.using(using or router.db_for_write(model)).filter(pk__in=list(pks))
    users = found.prefetch_related(*permissions.relations())
    return {uid_of(user): _truth(user) for user in users if _is_active(user)}


def _is_active(user: Any) -> bool:
    return bool(getattr(user, "is_active", True))


def _write(client: Any, uid: str, truth: Truth, *ttl_s: int) -> None:
    """Write a record; with seconds until a session ends, one that lives as long, be it new."""
    names, (record, digest) = conf.current().names, truth
    fields = record.to_hash()
    written = (fields["auth"], fields["channels"], digest, _new_name(), int(time()))
    told = (names.control, write_control(UserChanged(uid)))
    client.execute_command("EVAL", WRITE_USER, 1, names.user(uid), *written, *told, *ttl_s)


def _rename_rights(client: Any, uid: str) -> None:
    names = conf.current().names
    told = (names.control, write_control(UserChanged(uid)))
    client.execute_command("EVAL", RENEW_RIGHTS, 1, names.user(uid), _new_name(), *told)


def _remove(client: Any, uid: str) -> None:
    names = conf.current().names
    told = (names.control, write_control(RevokeUser(uid)))
    client.execute_command("EVAL", END_RECORD, 1, names.user(uid), *told)


def _truth(user: Any) -> Truth:
    auth = " ".join(map(auth_digest, _auth_hashes(user)))
    return UserRecord(auth, tuple(_channels(user))), permissions.digest_of(user)


def _new_name() -> str:
    return token_urlsafe(_NAME_BYTES)


def _auth_hashes(user: Any) -> Iterator[str]:
    # As django.contrib.auth.login() does: a model without a hash has the empty one.
    yield user.get_session_auth_hash() if hasattr(user, "get_session_auth_hash") else ""
    if settings.SECRET_KEY_FALLBACKS and hasattr(user, "get_session_auth_fallback_hash"):
        yield from user.get_session_auth_fallback_hash()


def _channels(user: Any) -> Iterator[str]:
    if not conf.current().groups or not permissions.groups_field():
        return
    for group in sorted(user.groups.all(), key=lambda group: str(group.name)):
        try:
            yield group_channel(group.name)
        except ChannelNameError:
            log.warning("group=%s has no channel: its name is too long", group.pk)
