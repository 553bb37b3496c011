"""User records in Redis: what the gateways know about each user.

A record holds the password digests, the channels of the user's groups and the name of the user's
rights. A grant carries that name; another name makes the grant void.

Strategy: a login writes the record. A token writes it again when it is missing or out of date
(``restore``). Other changes are read from the database, never from the instance that was saved,
which may hold values that were not saved. They change existing records only: a user without a
record has no valid login that could be lost.
"""

import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from secrets import token_urlsafe
from time import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import router, transaction
from sockgate_gateway.wire.control import (
    ControlMessage,
    RevokeUser,
    UserChanged,
    UserDataChanged,
    write_control,
)
from sockgate_gateway.wire.errors import ChannelNameError
from sockgate_gateway.wire.names import auth_digest, group_channel
from sockgate_gateway.wire.presence import USER_DATA
from sockgate_gateway.wire.records import (
    USER_FIELDS,
    SessionRecord,
    UserRecord,
    is_valid_login,
    read_user,
)

from .. import conf
from ..redis_clients import pools
from ..redis_clients.scripts import END_RECORD, RENEW_RIGHTS, WRITE_USER
from ..tenants import bare, pinned, qualify, sees_rows
from . import permissions
from .presence_data import data_of, is_written
from .recipients import wire_uid

log = logging.getLogger("sockgate")


@dataclass(frozen=True, slots=True)
class CurrentRecord:
    """The record of a user as the database has it.

    Args:
        user: what the gateway reads.
        permissions: the digest of the user's permissions.
        presence: the user's data. It is not compared: a signed URL is another one at each call.
    """

    user: UserRecord
    permissions: str
    presence: bytes = field(compare=False)


CurrentRecords = dict[str, CurrentRecord]
"""By uid."""

LOGIN_FIELDS = (*USER_FIELDS, USER_DATA)
"""The fields of a user record that ``has_login`` checks."""

_BATCH = 500
_NAME_BYTES = 9
_ANY = "0"


def restore(uid: str, ttl_s: int) -> None:
    """Write the record of a user from the database, where Redis has none for this login.

    Inside a transaction it waits for the commit: rights that are rolled back were never granted.

    Args:
        uid: of the current tenant, as ``wire_uid`` gives it.
        ttl_s: seconds that the record must live at least.
    """
    using = router.db_for_write(get_user_model())
    if transaction.get_connection(using).in_atomic_block:
        transaction.on_commit(pinned(partial(_restore, uid, ttl_s)), using=using, robust=True)
    else:
        _restore(uid, ttl_s)


def _restore(uid: str, ttl_s: int) -> None:
    if not sees_rows():  # The next token restores it.
        return
    current = _read_current([bare(uid)])
    if uid in current:
        _write(pools.records(), uid, current[uid], ttl_s)
        _rewrite_changed(current)


def refresh(pks: Iterable[Any], using: str | None = None) -> None:
    """Write existing records again from the database, and remove those of inactive users.

    Args:
        pks: primary keys of users; the users may have been deleted.
        using: the database alias; None: the database to which users are written.
    """
    for batch in _batches(pks):
        _rewrite_changed(_write_batch(batch, using), using)


def _rewrite_changed(written: CurrentRecords, using: str | None = None) -> None:
    """Write again what has changed in the database since it was read.

    Two processes may read and write in any order. The last writer must have read after the last
    save, so each one compares what it wrote with the database once more.
    """
    while written and _read_current(map(bare, written), using) != written:
        written = _write_batch([*map(bare, written)], using)


def _write_batch(pks: Collection[Any], using: str | None) -> CurrentRecords:
    """Write or remove the existing records of these users; return the records that were written."""
    uids, is_readable = list(map(wire_uid, pks)), sees_rows()
    current = _read_current(pks, using) if is_readable else {}
    remove_one = _remove if is_readable else _remove_unreadable
    with pools.records().pipeline(transaction=False) as pipe:
        for uid in uids:
            _write(pipe, uid, current[uid]) if uid in current else remove_one(pipe, uid)
        replies = dict(zip(uids, pipe.execute(), strict=True))
    return {uid: record for uid, record in current.items() if replies.get(uid)}


def renew_rights(pks: Iterable[Any]) -> None:
    """Give the rights of users with a record a new name, which makes their grants void."""
    for batch in _batches(pks):
        with pools.records().pipeline(transaction=False) as pipe:
            for uid in map(wire_uid, batch):
                _rename_rights(pipe, uid)
            pipe.execute()


def refresh_recorded(pks: Iterable[Any], using: str | None = None) -> None:
    """Do as ``refresh``, but read only users with a record from the database.

    For many users: most of them are not logged in.
    """
    refresh(_recorded(pks), using)


def refresh_all() -> int:
    """Refresh every user of the current tenant with a record; return how many there are."""
    prefix = conf.current().names.user(qualify(_ANY)).removesuffix(_ANY)
    client: Any = pools.records()
    found = client.scan_iter(f"{prefix}*", count=_BATCH)
    pks = [bare(key.decode().removeprefix(prefix)) for key in found]
    refresh(pks)
    return len(pks)


def _recorded(pks: Iterable[Any]) -> Iterator[Any]:
    names = conf.current().names
    for batch in _batches(pks):
        with pools.records().pipeline(transaction=False) as pipe:
            for pk in batch:
                pipe.exists(names.user(wire_uid(pk)))
            yield from (pk for pk, is_there in zip(batch, pipe.execute(), strict=True) if is_there)


def rights_of(uid: str) -> str:
    """Read the present name of a user's rights, which a grant carries.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    name: Any = pools.records().hget(conf.current().names.user(uid), "rights")
    return (name or b"").decode()


def remove(uid: str) -> None:
    """Remove a user's record, which ends every login of the user for the gateways."""
    _remove(pools.records(), uid)


def has_login(fields: list[bytes | None], session: SessionRecord) -> bool:
    """Check that a user record allows the login of a session.

    Args:
        fields: the values of ``LOGIN_FIELDS``, as Redis returned them.
        session: the session record.
    """
    values = dict(zip(LOGIN_FIELDS, fields, strict=True))
    record = read_user(values)
    # An older release wrote records without the name of the rights, so that no grant could be
    # valid: such a record must be written again.
    is_complete = bool(record and record.rights) and is_written(values[USER_DATA])
    return is_valid_login(session, record) and is_complete


def _batches(pks: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(pks)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _read_current(pks: Iterable[Any], using: str | None = None) -> CurrentRecords:
    """Read the records of the active users among these from the database."""
    # By default where users are written: a replica may still have the rows as they were.
    model = get_user_model()
    found = model._base_manager.using(using or router.db_for_write(model)).filter(pk__in=list(pks))
    used = permissions.are_used()
    users = found.prefetch_related(*permissions.relations(used=used))
    active = (user for user in users if getattr(user, "is_active", True))
    return {wire_uid(user): _current_record(user, used) for user in active}


def _write(client: Any, uid: str, current: CurrentRecord, *ttl_s: int) -> None:
    """Write a record that exists; with ``ttl_s`` also a new one, which lives at least that long."""
    fields = current.user.to_hash()
    written = (fields["auth"], fields["channels"], current.permissions, _new_name(), int(time()))
    data = (current.presence, write_control(UserDataChanged(uid)))
    _run(client, WRITE_USER, uid, *written, *_notice(UserChanged(uid)), *data, *ttl_s)


def _rename_rights(client: Any, uid: str) -> None:
    _run(client, RENEW_RIGHTS, uid, _new_name(), *_notice(UserChanged(uid)))


def _remove(client: Any, uid: str) -> None:
    _run(client, END_RECORD, uid, *_notice(RevokeUser(uid)))


def _remove_unreadable(client: Any, uid: str) -> None:
    """Remove a record whose rows cannot be read now.

    Its connections ask for a token, which writes the record again.
    """
    _run(client, END_RECORD, uid, *_notice(UserChanged(uid)))


def _run(client: Any, script: str, uid: str, *arguments: Any) -> None:
    client.execute_command("EVAL", script, 1, conf.current().names.user(uid), *arguments)


def _notice(message: ControlMessage) -> tuple[str, Any]:
    """Give the control channel and the message that a script publishes there."""
    return conf.current().names.control, write_control(message)


def _current_record(user: Any, are_permissions_used: bool) -> CurrentRecord:
    auth = " ".join(map(auth_digest, _auth_hashes(user)))
    record = UserRecord(auth, tuple(_channels(user)))
    digest = permissions.digest_of(user, used=are_permissions_used)
    return CurrentRecord(record, digest, data_of(user))


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
            yield qualify(group_channel(group.name))
        except ChannelNameError:
            log.warning("group=%s has no channel: its name is too long", group.pk)
