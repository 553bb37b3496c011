"""A digest of the permissions that Django stores for a user; a change makes the grants void.

``SOCKGATE["AUTHORIZE"]`` decides on a grant, and may ask anything. Of the user's rights, this
module follows the part that Django itself stores. Without ``AUTHORIZE`` there are no grants, and
nothing here costs a query.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import FieldDoesNotExist
from django.db.models import ManyToManyField, Model, Prefetch

from .. import conf
from . import live_grants

NAMING = ("content_type", "codename")
"""The fields by which ``has_perm`` finds a permission; a change of one changes what is allowed."""

_DIGEST_LENGTH = 16
_FLAGS = ("is_staff", "is_superuser")


def groups_field() -> "ManyToManyField[Any, Any] | None":
    """Find the user model's ``groups``, if it has Django's."""
    return _field("groups", Group)


def permissions_field() -> "ManyToManyField[Any, Any] | None":
    """Find the user model's ``user_permissions``, if it has Django's."""
    return _field("user_permissions", Permission)


def are_used() -> bool:
    """Check that channels can be granted, so that permissions matter.

    Raises:
        redis.RedisError: without ``AUTHORIZE``, Redis fails or does not answer.
    """
    return conf.current().authorize is not None or live_grants.are_noted()


def relations(*, used: bool) -> Iterator["str | Prefetch[str, Any, Any]"]:
    """List the relations to fetch together with users, so that ``digest_of`` needs no query.

    Args:
        used: what ``are_used`` returns.
    """
    named = Permission._base_manager.order_by().only("pk", *NAMING)
    if groups_field():
        yield "groups"
        if used:
            yield Prefetch("groups__permissions", named)
    if permissions_field() and used:
        yield Prefetch("user_permissions", named)


def digest_of(user: Any, *, used: bool) -> str:
    """Hash the flags of a user, the user's own permissions and those of the groups.

    Args:
        user: with its ``relations``.
        used: what ``are_used`` returns; False: the digest is empty.
    """
    if not used:
        return ""
    flags = [bool(getattr(user, name, False)) for name in _FLAGS]
    own = _named(user.user_permissions) if permissions_field() else []
    groups = user.groups.all() if groups_field() else []
    by_group = sorted((group.pk, str(group.name), _named(group.permissions)) for group in groups)
    text = repr((flags, own, by_group))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def _named(permissions: Any) -> list[Any]:
    return sorted((one.pk, one.content_type_id, one.codename) for one in permissions.all())


def _field(name: str, model: type[Model]) -> "ManyToManyField[Any, Any] | None":
    try:
        field = get_user_model()._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    if isinstance(field, ManyToManyField) and field.related_model is model:
        return field
    return None
