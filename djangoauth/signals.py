"""What Django's signals mean for the gateways.

A change that takes something away raises when Redis cannot be told: it comes after the commit, so
the database has it, and saving once more repeats it. A login raises nothing, for a record that is
missing is healed by the next token.

Receivers are connected to the models of users, groups and permissions and their heirs alone: a
receiver for every model would take Django's fast deletes away from the whole project.
"""

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.db.models import Q
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete
from redis import RedisError

from . import permissions, users
from .heirs import heirs_of
from .sessions.base import recorded_engine

log = logging.getLogger("djangoauth")


def connect() -> None:
    """Connect every receiver."""
    user_logged_in.connect(remember_login, dispatch_uid="djangoauth")
    for model in heirs_of(get_user_model()):
        post_save.connect(refresh_saved_user, sender=model, dispatch_uid="djangoauth")
        post_delete.connect(forget_deleted_user, sender=model, dispatch_uid="djangoauth")
    if engine := recorded_engine():
        engine.watch_rows()
    if field := permissions.groups_field():
        _connect_members(field)
        for model in heirs_of(Group):
            post_save.connect(refresh_renamed_group, sender=model, dispatch_uid="djangoauth")
        m2m_changed.connect(
            refresh_permitted, sender=Group.permissions.through, dispatch_uid="djangoauth"
        )
        _connect_renamed_permissions()
    if field := permissions.permissions_field():
        _connect_members(field)
        _connect_renamed_permissions()


def _connect_members(field: Any) -> None:
    """Follow who is in a group, or has a permission of his own."""
    through = field.remote_field.through
    m2m_changed.connect(refresh_members, sender=through, dispatch_uid="djangoauth")
    for model in heirs_of(field.related_model):
        pre_delete.connect(note_members, sender=model, dispatch_uid="djangoauth")
        post_delete.connect(refresh_noted_members, sender=model, dispatch_uid="djangoauth")


def _connect_renamed_permissions() -> None:
    for model in heirs_of(Permission):
        post_save.connect(refresh_renamed_permission, sender=model, dispatch_uid="djangoauth")


def remember_login(*, request: Any, user: Any, **_: Any) -> None:
    """Write the record of a user who has logged in."""
    session = getattr(request, "session", None)
    if session is None:
        return
    try:
        # Not as the instance has him: his password may have changed since it was loaded.
        users.heal(users.uid_of(user), int(session.get_expiry_age()))
    except RedisError:
        log.exception("user=%s: the login is not recorded; the next token heals it", user.pk)


def refresh_saved_user(
    *, instance: Any, created: bool, update_fields: Any, using: str, **_: Any
) -> None:
    """Take over a new password, or the end of ``is_active``."""
    # Every login saves last_login alone, and a new user has no record yet.
    if not created and update_fields != {"last_login"}:
        transaction.on_commit(partial(users.refresh, [instance.pk], using=using), using=using)


def forget_deleted_user(*, instance: Any, using: str, **_: Any) -> None:
    """End the logins of a user who is no more."""
    transaction.on_commit(partial(users.forget, users.uid_of(instance)), using=using)


def refresh_members(
    *, instance: Any, action: str, reverse: bool, pk_set: Any, using: str, **_: Any
) -> None:
    """Follow who is in which group, and who has which permission of his own."""
    if action == "pre_clear" and reverse:
        note_members(instance=instance, using=using)
    elif action == "post_clear" and reverse:
        refresh_noted_members(instance=instance, using=using)
    elif action.startswith("post_"):
        _follow_after_commit(pk_set if reverse else [instance.pk], using)


def refresh_renamed_group(
    *, instance: Any, created: bool, update_fields: Any, using: str, **_: Any
) -> None:
    """Follow a group's new name."""
    if not created and (update_fields is None or "name" in update_fields):
        _follow_after_commit(_members(instance, using), using)


def refresh_renamed_permission(
    *, instance: Any, created: bool, update_fields: Any, using: str, **_: Any
) -> None:
    """Follow what is asked for by another name than before."""
    if not created and (update_fields is None or not update_fields.isdisjoint(permissions.NAMING)):
        _follow_after_commit(_members(instance, using), using)


def refresh_permitted(
    *, instance: Any, action: str, reverse: bool, pk_set: Any, using: str, **_: Any
) -> None:
    """Follow what the members of groups may do."""
    if not permissions.are_asked():
        return
    if action == "pre_clear" and reverse:
        note_members(instance=instance, using=using)
    elif action == "post_clear" and reverse:
        refresh_noted_members(instance=instance, using=using)
    elif action.startswith("post_"):
        groups = pk_set if reverse else [instance.pk]
        _follow_after_commit(_pks(Q(groups__in=groups), using), using)


def note_members(*, instance: Any, using: str, **_: Any) -> None:
    """Note who is in a group, or has a permission, while that is known."""
    instance._sockgate_members = _members(instance, using)


def refresh_noted_members(*, instance: Any, using: str, **_: Any) -> None:
    """Take from those who were noted what they had by that."""
    _follow_after_commit(instance.__dict__.pop("_sockgate_members", ()), using)


def _members(given: Any, using: str) -> list[Any]:
    """List whom a group or a permission is given to."""
    if isinstance(given, Group):
        return _pks(Q(groups=given), using)
    if not permissions.are_asked():
        return []
    holders = Q()
    if permissions.groups_field():
        holders |= Q(groups__permissions=given)
    if permissions.permissions_field():
        holders |= Q(user_permissions=given)
    return _pks(holders, using)


def _pks(chosen: Q, using: str) -> list[Any]:
    found = get_user_model()._base_manager.using(using).filter(chosen)
    return list(found.values_list("pk", flat=True).distinct())


def _follow_after_commit(pks: Iterable[Any], using: str) -> None:
    transaction.on_commit(partial(users.refresh_recorded, list(pks), using=using), using=using)
