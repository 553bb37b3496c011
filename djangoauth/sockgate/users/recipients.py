"""The recipients of a publication: the names of users and groups on the wire, checked.

A recipient that no browser could be subscribed for raises an error that names the call to use.
"""

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from sockgate_gateway.wire.names import check_channel, group_channel, user_channel

from .. import conf
from ..errors import PublicationInvalid
from ..tenants import qualify
from .permissions import groups_field

UserOrPk = Model | int | str | UUID
"""A saved user, or a primary key."""


def uid_of(user: UserOrPk) -> str:
    """Name a user on the wire, as Django does in the session: the primary key as text.

    Args:
        user: a saved user, or a primary key of the type that the user model has.

    Raises:
        PublicationInvalid: for anything else; the message names the call to use.
    """
    if isinstance(user, Model):
        return _uid_of_instance(user)
    if user is None or user == "" or getattr(user, "is_anonymous", False):
        raise PublicationInvalid(
            "an anonymous visitor has no channel; broadcast(…) reaches every connection"
        )
    if isinstance(user, Iterable) and not isinstance(user, str | bytes):
        raise PublicationInvalid(
            f"a {type(user).__name__} is not one user: use publish_many(users, …) for several"
        )
    return _uid_of_pk(user)


def wire_uid(user: UserOrPk) -> str:
    """Name a user of the current tenant in records and control messages; raises as ``uid_of``."""
    return qualify(uid_of(user))


def channel_of_group(group: Group | str) -> str:
    """Name the channel of a Django group; characters outside the alphabet are percent-encoded.

    Args:
        group: a group, or its name.

    Raises:
        ChannelNameError: the encoded name is too long for a channel.
        PublicationInvalid: for anything else, or where groups have no channels.
    """
    name = group.name if isinstance(group, Group) else group
    if not isinstance(name, str) or not name:
        raise PublicationInvalid("expected a Group or its name")
    if not (conf.current().groups and groups_field()):
        raise PublicationInvalid(
            'no browser receives the channels of groups: SOCKGATE["GROUPS"] is False, or the user '
            "model has no groups"
        )
    return group_channel(name)


def channel_of(to: Any) -> str:
    """Name the channel of a recipient: a user, a primary key, a group, or a channel's name.

    Raises:
        ChannelNameError: a text is not the name of a channel.
        PublicationInvalid: for any other recipient that cannot exist.
    """
    if isinstance(to, str):
        return check_channel(to)
    if isinstance(to, Group):
        return channel_of_group(to)
    return user_channel(uid_of(to))


def check_several(users: Iterable[UserOrPk]) -> Iterable[UserOrPk]:
    """Return the iterable unchanged.

    Raises:
        PublicationInvalid: for one user, a text, or a queryset of another model.
    """
    if isinstance(users, str | bytes | Mapping | Model) or not isinstance(users, Iterable):
        raise PublicationInvalid(
            f"publish_many takes an iterable of users, not a {type(users).__name__}: "
            "use publish(user, …) for one"
        )
    if isinstance(users, QuerySet):
        _check_model(users.model)
    return users


def _uid_of_instance(user: Model) -> str:
    if isinstance(user, Group):
        raise PublicationInvalid("a Group is not a user: use publish_to_group(group, …)")
    _check_model(user.__class__)  # A request's user is lazy: its type is not its class.
    if user.pk is None:
        raise PublicationInvalid("the user has no primary key yet: save it first")
    return str(_pk_field().value_to_string(user))


def _check_model(model: type[Model]) -> None:
    expected = get_user_model()
    if not issubclass(model, expected):
        raise PublicationInvalid(
            f"{model.__name__} is not the user model, which is {expected.__name__}: "
            "pass its user, or that user's primary key"
        )


def _uid_of_pk(pk: Any) -> str:
    field = _pk_field()
    value = _pk_value(field, pk)
    if value is None:
        raise PublicationInvalid(
            f"not a primary key of {get_user_model().__name__}: pass a user or a primary key; for "
            "a channel use publish_to(channel, …), for a group publish_to_group(group, …)"
        )
    return str(field.value_to_string(SimpleNamespace(**{field.attname: value})))


def _pk_value(field: Any, pk: Any) -> Any:
    """Convert a pk as the database would; None for another type."""
    if isinstance(pk, bool | float | bytes):
        return None
    try:
        value = field.to_python(pk)
    except (ValidationError, TypeError, ValueError):
        return None
    return value if isinstance(pk, str) or value == pk else None


def _pk_field() -> Any:
    return get_user_model()._meta.pk
