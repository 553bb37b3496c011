"""Taking access away, at once and on every worker."""

from collections.abc import Iterable
from importlib import import_module
from time import time
from typing import Any

from django.conf import settings
from django.db import router
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
    ``broadcast``) is not taken away by this: take the user out of the group.

    Raises:
        redis.RedisError: Redis could not be told; repeat it.
    """
    uid, config = users.uid_of(user), conf.current()
    told, ended = (
        write_control(RevokeChannel(uid, check_channel(channel))),
        config.names.revoked(uid),
    )
    ttl_s = config.token_max_age + 2 * CLOCK_LEEWAY_S
    mark = (channel, int(time()), ttl_s, config.names.control, told)
    client: Any = redis_clients.records()
    client.eval(REVOKE_CHANNEL, 1, ended, *mark)


def refresh_users(changed: "QuerySet[Any] | Iterable[Any]") -> None:
    """Take over what changed without a signal, say by ``queryset.update(is_active=False)``.

    That is passwords, ``is_active``, groups, and what Django's permissions say.

    Args:
        changed: a queryset of users, or users, or pks.

    Raises:
        redis.RedisError: Redis could not be told; repeat it.
    """
    users.refresh(_pks(changed), _chosen_database(changed))


def refresh_grants(changed: "QuerySet[Any] | Iterable[Any]") -> None:
    """Have Django asked again for every channel that these users asked for.

    For rights that ``SOCKGATE["AUTHORIZE"]`` decides by the project's own tables: call it when
    those have changed. Who may still hear a channel loses no sequenced publication; who may not
    any more, hears nothing from now on; and what was refused to a page is asked for again.

    Args:
        changed: a queryset of users, or users, or pks.

    Raises:
        redis.RedisError: Redis could not be told; repeat it.
    """
    users.renew_rights(_pks(changed))


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
