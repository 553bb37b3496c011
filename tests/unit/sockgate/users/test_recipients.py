from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.utils.functional import SimpleLazyObject
from sockgate import ChannelNameError
from sockgate.errors import PublicationInvalid
from sockgate.users.recipients import channel_of_group, check_several, uid_of


class Staff(User):
    class Meta:
        app_label = "tests"
        proxy = True


@pytest.mark.parametrize("user", [7, "7", " 07", User(pk=7), Staff(pk=7)])
def test_uid_of_is_the_pk_as_text(user: Any) -> None:
    assert uid_of(user) == "7"


def test_uid_of_accepts_the_user_of_the_request() -> None:
    assert uid_of(SimpleLazyObject(lambda: User(pk=7))) == "7"


@pytest.mark.parametrize("user", [None, "", AnonymousUser(), SimpleLazyObject(AnonymousUser)])
def test_uid_of_refuses_a_visitor(user: Any) -> None:
    with pytest.raises(PublicationInvalid, match="broadcast"):
        uid_of(user)


def test_uid_of_refuses_an_unsaved_user() -> None:
    with pytest.raises(PublicationInvalid, match="save it"):
        uid_of(User())


@pytest.mark.parametrize("users", [User.objects.all(), [1, 2], {1}, User.objects.values("pk")])
def test_uid_of_refuses_several_users(users: Any) -> None:
    with pytest.raises(PublicationInvalid, match="publish_many"):
        uid_of(users)


@pytest.mark.parametrize("user", ["admin", "user:7", "group:editors", 7.5, True, b"7", uuid4()])
def test_uid_of_refuses_what_is_not_a_pk(user: Any) -> None:
    with pytest.raises(PublicationInvalid, match="publish_to"):
        uid_of(user)


@pytest.mark.parametrize(
    ("other", "advice"), [(Group(pk=7), "publish_to_group"), (Permission(pk=7), "not the user")]
)
def test_uid_of_refuses_another_model(other: Any, advice: str) -> None:
    with pytest.raises(PublicationInvalid, match=advice):
        uid_of(other)


@pytest.mark.parametrize("users", ["admin", User(pk=7), 7, None, {"pk": 7}])
def test_check_several_refuses_one_user(users: Any) -> None:
    with pytest.raises(PublicationInvalid, match=r"publish\(user"):
        check_several(users)


def test_check_several_refuses_a_queryset_of_another_model() -> None:
    with pytest.raises(PublicationInvalid, match="not the user model"):
        check_several(Group.objects.all())  # type: ignore[arg-type]


@pytest.mark.parametrize("group", ["the éditors {1}", Group(name="the éditors {1}")])
def test_channel_of_group_encodes_the_name(group: Any) -> None:
    assert channel_of_group(group) == "group:the%20%C3%A9ditors%20%7B1%7D"


@pytest.mark.parametrize("group", [7, None, "", User(pk=7)])
def test_channel_of_group_rejects_anything_but_a_group(group: Any) -> None:
    with pytest.raises(PublicationInvalid, match="Group"):
        channel_of_group(group)


def test_channel_of_group_refuses_a_name_that_is_too_long() -> None:
    with pytest.raises(ChannelNameError):
        channel_of_group("é" * 50)


def test_channel_of_group_is_refused_without_groups(settings: Any) -> None:
    settings.SOCKGATE = {"GROUPS": False}
    with pytest.raises(PublicationInvalid, match="GROUPS"):
        channel_of_group("editors")
