"""Receivers of Django's signals: logins, and changes of users, groups and permissions.

Our own signals ``user_online`` and ``user_offline`` are imported from here, too.

Strategy: a receiver acts after the commit. When Redis does not answer, a change that revokes
something raises in production, and is noted in DEBUG (``users.outdated``). A login raises nothing,
because the next token writes a missing record.

Receivers are connected to the models of users, groups and permissions and their subclasses only. A
receiver for every model would disable Django's fast deletes in the whole project.

Receivers import ``users.records`` when they act. It imports msgspec and, on use, redis-py, while
every process of a site connects the receivers.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.db.models import Q
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete

from . import conf
from .channels.online import user_offline, user_online
from .redis_clients import redis_errors
from .redis_clients.time_budget import time_budget
from .sessions.base import recorded_engine
from .tenants import pinned
from .users import outdated, permissions
from .users.recipients import wire_uid
from .users.subclasses import subclasses_of

__all__ = ["connect", "user_offline", "user_online"]

log = logging.getLogger("sockgate")

_ENGINE_WITHOUT_ROWS = "sockgate.sessions.redis"


def connect() -> None:
    """Connect every receiver."""
    user_logged_in.connect(record_login, dispatch_uid="sockgate")
    for model in subclasses_of(get_user_model()):
        post_save.connect(refresh_saved_user, sender=model, dispatch_uid="sockgate")
        post_delete.connect(remove_deleted_user, sender=model, dispatch_uid="sockgate")
    # An engine's import takes time. Where there are no rows, it waits for the first session.
    if settings.SESSION_ENGINE != _ENGINE_WITHOUT_ROWS and (engine := recorded_engine()):
        engine.watch_rows()
    if field := permissions.groups_field():
        _connect_members(field)
        for model in subclasses_of(Group):
            post_save.connect(refresh_renamed_group, sender=model, dispatch_uid="sockgate")
        m2m_changed.connect(
            refresh_permitted, sender=Group.permissions.through, dispatch_uid="sockgate"
        )
        _connect_renamed_permissions()
    if field := permissions.permissions_field():
        _connect_members(field)
        _connect_renamed_permissions()


def _connect_members(field: Any) -> None:
    """Follow the members of groups, or the holders of permissions."""
    through = field.remote_field.through
    m2m_changed.connect(refresh_members, sender=through, dispatch_uid="sockgate")
    for model in subclasses_of(field.related_model):
        pre_delete.connect(store_members, sender=model, dispatch_uid="sockgate")
        post_delete.connect(refresh_stored_members, sender=model, dispatch_uid="sockgate")


def _connect_renamed_permissions() -> None:
    for model in subclasses_of(Permission):
        post_save.connect(refresh_renamed_permission, sender=model, dispatch_uid="sockgate")


def record_login(*, request: Any, user: Any, **_: Any) -> None:
    """Write the record of a user at login."""
    session = getattr(request, "session", None)
    if session is None:
        return
    try:
        from .users import records

        # From the database: the password may have changed since the instance was loaded.
        with time_budget(conf.current().page_timeout):
            records.restore(wire_uid(user), int(session.get_expiry_age()))
    except redis_errors.RedisError as error:
        log.warning(
            "user=%s: the login is not recorded; the next token records it: %s", user.pk, error
        )


def refresh_saved_user(
    *, instance: Any, created: bool, update_fields: Any, using: str, **_: Any
) -> None:
    """Refresh the record after a new password or a change of ``is_active``."""
    # Every login saves only last_login, and a new user has no record yet.
    if not created and update_fields != {"last_login"}:
        from .users import records

        refresh = partial(records.refresh, [instance.pk], using=using)
        _write_after_commit(outdated.listed([instance.pk]), refresh, using)


def remove_deleted_user(*, instance: Any, using: str, **_: Any) -> None:
    """End the logins of a deleted user."""
    from .users import records

    what = f"The deletion of the user {instance.pk} is"
    _write_after_commit(what, partial(records.remove, wire_uid(instance)), using)


def refresh_members(
    *, instance: Any, action: str, reverse: bool, pk_set: Any, using: str, **_: Any
) -> None:
    """Refresh users whose groups or own permissions have changed."""
    if action == "pre_clear" and reverse:
        store_members(instance=instance, using=using)
    elif action == "post_clear" and reverse:
        refresh_stored_members(instance=instance, using=using)
    elif action.startswith("post_"):
        _refresh_after_commit(pk_set if reverse else [instance.pk], using)


def refresh_renamed_group(
    *, instance: Any, created: bool, update_fields: Any, using: str, **_: Any
) -> None:
    """Refresh the members of a renamed group: its channel has another name."""
    if not created and (update_fields is None or "name" in update_fields):
        _refresh_after_commit(_members(instance, using), using)


def refresh_renamed_permission(
    *, instance: Any, created: bool, update_fields: Any, using: str, **_: Any
) -> None:
    """Refresh the holders of a permission whose codename or content type has changed."""
    if not created and (update_fields is None or not update_fields.isdisjoint(permissions.NAMING)):
        _refresh_after_commit(_members(instance, using), using)


def refresh_permitted(
    *, instance: Any, action: str, reverse: bool, pk_set: Any, using: str, **_: Any
) -> None:
    """Refresh the members of groups whose permissions have changed."""
    if not _are_permissions_used():
        return
    if action == "pre_clear" and reverse:
        store_members(instance=instance, using=using)
    elif action == "post_clear" and reverse:
        refresh_stored_members(instance=instance, using=using)
    elif action.startswith("post_"):
        groups = pk_set if reverse else [instance.pk]
        _refresh_after_commit(_pks(Q(groups__in=groups), using), using)


def _are_permissions_used() -> bool:
    """Check it; False while Redis fails: migrations without ``AUTHORIZE`` must not need Redis."""
    if outdated.is_paused():
        return False
    try:
        with time_budget(conf.current().page_timeout):
            return permissions.are_used()
    except redis_errors.RedisError as error:
        what = "A change of permissions is"
        if not outdated.note(what, error):
            log.warning("%s %s", outdated.saved(what, error), outdated.HINT)
        return False


def store_members(*, instance: Any, using: str, **_: Any) -> None:
    """Store the members of a group, or the holders of a permission, before it is deleted."""
    instance._sockgate_members = _members(instance, using)


def refresh_stored_members(*, instance: Any, using: str, **_: Any) -> None:
    """Refresh the stored members after the group or permission was deleted."""
    _refresh_after_commit(instance.__dict__.pop("_sockgate_members", ()), using)


def _members(held: Any, using: str) -> list[Any]:
    """List the members of a group, or the holders of a permission."""
    if isinstance(held, Group):
        return _pks(Q(groups=held), using)
    if not _are_permissions_used():
        return []
    holders = Q()
    if permissions.groups_field():
        holders |= Q(groups__permissions=held)
    if permissions.permissions_field():
        holders |= Q(user_permissions=held)
    return _pks(holders, using)


def _pks(chosen: Q, using: str) -> list[Any]:
    found = get_user_model()._base_manager.using(using).filter(chosen)
    return list(found.values_list("pk", flat=True).distinct())


def _refresh_after_commit(pks: Iterable[Any], using: str) -> None:
    from .users import records

    users = list(pks)
    refresh = partial(records.refresh_recorded, users, using=using)
    _write_after_commit(outdated.listed(users), refresh, using)


def _write_after_commit(what: str, act: Callable[[], Any], using: str) -> None:
    transaction.on_commit(pinned(partial(outdated.write, what, act)), using=using)
