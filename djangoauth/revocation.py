"""Taking access away, at once and on every worker."""

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from time import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import router, transaction
from django.db.models import Model, QuerySet

from gateway.wire.control import RevokeChannel, write_control
from gateway.wire.names import check_channel
from gateway.wire.tokens import CLOCK_LEEWAY_S

from . import conf, redis_clients, users
from .lua import REVOKE_CHANNEL


def revoke_session(session_key: str) -> None:
    """End one Django session, and with it its connections.

    Raises:
        redis.RedisError: Redis could not be told; the session may go on.
    """
    _engine()(session_key).delete()


def revoke_user(user: Any) -> None:
    """Sign a user out everywhere: end his Django sessions, and with them his connections.

    The native engine knows his sessions. The database engines decode every live session of the
    table to find them, some 30 microseconds each.

    Args:
        user: a user, or a pk.

    Raises:
        NotImplementedError: a wrapped engine of your own does not define ``end_logins``.
        redis.RedisError: Redis could not be told; some sessions may go on.
    """
    uid = users.uid_of(user)
    # The sessions first: a token issued meanwhile would heal the user record.
    _engine().end_logins(uid)
    users.forget(uid)


def revoke_channel(user: Any, channel: str) -> None:
    """Unsubscribe a user's connections from a channel that they asked for, and end his grants.

    A grant that is issued from the next second on opens the channel again, so first see that
    ``SOCKGATE["AUTHORIZE"]`` refuses him. What is given by the server (``user:…``, ``group:…``,
    ``broadcast``) is not taken away by this: take the user out of the group. Within a transaction
    it is taken at once, and once more at the commit: until then ``AUTHORIZE`` sees the old.

    Raises:
        redis.RedisError: Redis could not be told; repeat it.
    """
    _now_and_at_the_commit(partial(_void_grants, users.uid_of(user), check_channel(channel)))


def _void_grants(uid: str, channel: str) -> None:
    config = conf.current()
    ended, ttl_s = config.names.revoked(uid), config.token_max_age + 2 * CLOCK_LEEWAY_S
    told = (config.names.control, write_control(RevokeChannel(uid, channel)))
    client: Any = redis_clients.records()
    client.eval(REVOKE_CHANNEL, 1, ended, channel, int(time()), ttl_s, *told)


def refresh_users(changed: "QuerySet[Any] | Iterable[Any]") -> None:
    """Take over what changed without a signal, say by ``queryset.update(is_active=False)``.

    That is passwords, ``is_active``, groups, and what Django's permissions say. Within a
    transaction it waits for the commit.

    Args:
        changed: a queryset of users, or users, or pks.

    Raises:
        redis.RedisError: Redis could not be told; repeat it.
    """
    using = _chosen_database(changed)
    refresh = partial(users.refresh, list(_pks(changed)), using)
    transaction.on_commit(refresh, using=using or router.db_for_write(get_user_model()))


def refresh_grants(changed: "QuerySet[Any] | Iterable[Any]") -> None:
    """Have Django asked again for every channel that these users asked for.

    For rights that ``SOCKGATE["AUTHORIZE"]`` decides by the project's own tables: call it when
    those have changed. Who may still hear a channel loses no sequenced publication; who may not
    any more, hears nothing from now on; and what was refused to a page is asked for again. Within
    a transaction, that happens once more at its commit: until then ``AUTHORIZE`` sees the old.

    Args:
        changed: a queryset of users, or users, or pks.

    Raises:
        redis.RedisError: Redis could not be told; repeat it.
    """
    _now_and_at_the_commit(partial(users.renew_rights, list(_pks(changed))))


def _now_and_at_the_commit(act: Callable[[], None]) -> None:
    act()
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(act)


def _pks(changed: "QuerySet[Any] | Iterable[Any]") -> Iterable[Any]:
    if isinstance(changed, QuerySet):
        # Where it was changed just now: a replica may not know yet.
        written = changed.using(_chosen_database(changed) or router.db_for_write(changed.model))
        return written.values_list("pk", flat=True).iterator()
    return (one.pk if isinstance(one, Model) else one for one in changed)


def _chosen_database(changed: object) -> str | None:
    """Name the database that a queryset was told to use, if any."""
    return getattr(changed, "_db", None)


def _engine() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore
