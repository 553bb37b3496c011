"""What Django's permissions say of a user, in short: whatever changes it voids his grants.

A grant was decided by ``SOCKGATE["AUTHORIZE"]``, which may ask anything; what Django itself knows
of a user's rights is followed from here. Without ``AUTHORIZE`` there are no grants, and nothing
here costs a query.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import FieldDoesNotExist
from django.db.models import ManyToManyField, Model, Prefetch

from . import conf

_DIGEST_LENGTH = 16
NAMING = ("content_type", "codename")
"""What of a permission is asked for: who has it may do other things when that changes."""

_FLAGS = ("is_staff", "is_superuser")


def groups_field() -> "ManyToManyField[Any, Any] | None":
    """Find the user model's ``groups``, if it has Django's."""
    return _field("groups", Group)


def permissions_field() -> "ManyToManyField[Any, Any] | None":
    """Find the user model's ``user_permissions``, if it has Django's."""
    return _field("user_permissions", Permission)


def are_asked() -> bool:
    """Tell whether anybody may be granted a channel."""
    return conf.current().authorize is not None


def relations() -> Iterator["str | Prefetch[str, Any, Any]"]:
    """Name what to fetch together with users, so that ``digest_of`` asks nothing."""
    named = Permission._base_manager.order_by().only("pk", *NAMING)
    if groups_field():
        yield "groups"
        if are_asked():
            yield Prefetch("groups__permissions", named)
    if permissions_field() and are_asked():
        yield Prefetch("user_permissions", named)


def digest_of(user: Any) -> str:
    """Shorten to a text what a user may do: his flags, his own permissions and his groups'."""
    if not are_asked():
        return ""
    flags = [bool(getattr(user, name, False)) for name in _FLAGS]
    own = _named(user.user_permissions) if permissions_field() else []
    groups = user.groups.all() if groups_field() else []
    given = sorted((group.pk, str(group.name), _named(group.permissions)) for group in groups)
    text = repr((flags, own, given))
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
