"""Revoking access, at once and on every worker."""

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from time import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import router
from django.db.models import Model, QuerySet
from sockgate_gateway.wire.control import Disconnect, RevokeChannel, write_control
from sockgate_gateway.wire.names import check_channel
from sockgate_gateway.wire.tokens import CLOCK_LEEWAY_S

from .. import conf
from ..publishing.transactions import at_each_commit, open_aliases
from ..redis_clients import pools
from ..redis_clients.control import send_control
from ..redis_clients.scripts import REVOKE_CHANNEL
from ..tenants import pinned, qualify
from ..users import records
from ..users.recipients import UserOrPk, wire_uid


def revoke_session(session_key: str) -> None:
    """End one Django session; its connections are closed.

    Raises:
        redis.RedisError: Redis fails or does not answer; the session may not have ended.
    """
    _engine()(session_key).delete()


def revoke_user(user: UserOrPk) -> None:
    """Sign a user out everywhere: end the user's Django sessions; their connections are closed.

    The ``redis`` engine lists the sessions of each user. The database engines decode every live
    session of the table to find them, about 30 microseconds each.

    Args:
        user: a saved user, or a primary key.

    Raises:
        PublicationInvalid: for anything else.
        NotImplementedError: your own session engine does not define ``end_logins``.
        redis.RedisError: Redis fails or does not answer; some sessions may not have ended.
    """
    uid = wire_uid(user)
    # The sessions first: a token of a live session would write the user record again.
    _engine().end_logins(uid)
    records.remove(uid)


def disconnect_user(user: UserOrPk, connection: str = "") -> None:
    """Close the connections of a user, whose logins go on; open pages connect again by themselves.

    Args:
        user: a saved user, or a primary key.
        connection: the id of one connection; empty: all of them.

    Raises:
        PublicationInvalid: for any other user.
        redis.RedisError: Redis fails or does not answer; repeat the call.
    """
    send_control(Disconnect(wire_uid(user), connection))


def revoke_channel(user: UserOrPk, channel: str) -> None:
    """Unsubscribe a user's connections from a channel, and make the user's grants for it void.

    A grant that is issued from the next second on is valid again. So first make
    ``SOCKGATE["AUTHORIZE"]`` refuse the user. Channels to which the server subscribes (``user:…``,
    ``group:…``, ``broadcast``) cannot be revoked so: remove the user from the group. Inside a
    transaction the channel is revoked at once, and again at the commit, because ``AUTHORIZE`` sees
    the old rows until then.

    Raises:
        ChannelNameError: the text is not a channel name.
        redis.RedisError: Redis fails or does not answer; repeat the call.
    """
    qualified = qualify(check_channel(channel))
    _now_and_at_commit(partial(_void_grants, wire_uid(user), qualified))


def _void_grants(uid: str, channel: str) -> None:
    config = conf.current()
    revoked, ttl_s = config.names.revoked(uid), config.token_max_age + 2 * CLOCK_LEEWAY_S
    notice = (config.names.control, write_control(RevokeChannel(uid, channel)))
    client: Any = pools.records()
    client.eval(REVOKE_CHANNEL, 1, revoked, channel, int(time()), ttl_s, *notice)


def refresh_users(changed: "QuerySet[Any] | Iterable[Any]") -> None:
    """Refresh users that changed without a signal, as by ``queryset.update(is_active=False)``.

    It covers passwords, ``is_active``, groups and Django's permissions. Inside a transaction it
    waits for the commit; with several open, it runs after each commit.

    Args:
        changed: a queryset of users, or an iterable of users or primary keys.

    Raises:
        redis.RedisError: Redis fails or does not answer; repeat the call.
    """
    using = _chosen_database(changed)
    refresh = partial(records.refresh, list(_pks(changed)), using)
    if not open_aliases(using or router.db_for_write(get_user_model())):
        refresh()
    at_each_commit(pinned(refresh), using)


def refresh_grants(changed: "QuerySet[Any] | Iterable[Any]") -> None:
    """Make the grants of users void, so that their pages request new ones.

    Call it when ``SOCKGATE["AUTHORIZE"]`` decides by your own tables, and those have changed. A
    user who may still subscribe misses no sequenced publication. A user who may not any more
    receives nothing from now on. Pages also request again the channels that were refused. Inside a
    transaction it happens at once, and again at the commit, because ``AUTHORIZE`` sees the old rows
    until then.

    Args:
        changed: a queryset of users, or an iterable of users or primary keys.

    Raises:
        redis.RedisError: Redis fails or does not answer; repeat the call.
    """
    _now_and_at_commit(partial(records.renew_rights, list(_pks(changed))))


def _now_and_at_commit(act: Callable[[], None]) -> None:
    act()
    at_each_commit(pinned(act))


def _pks(changed: "QuerySet[Any] | Iterable[Any]") -> Iterable[Any]:
    if isinstance(changed, QuerySet):
        # The database that was written: a replica may not have the change yet.
        written = changed.using(_chosen_database(changed) or router.db_for_write(changed.model))
        return written.values_list("pk", flat=True).iterator()
    return (one.pk if isinstance(one, Model) else one for one in changed)


def _chosen_database(changed: object) -> str | None:
    """Name the database of ``queryset.using(…)``; None without it."""
    return getattr(changed, "_db", None)


def _engine() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore
