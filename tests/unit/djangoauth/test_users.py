from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils.functional import SimpleLazyObject

from djangoauth.errors import PublicationInvalid
from djangoauth.users import uid_of


class Staff(User):
    class Meta:
        app_label = "tests"
        proxy = True


@pytest.mark.parametrize("user", [7, "7", User(pk=7), Staff(pk=7)])
def test_uid_of_is_the_pk_as_text(user: Any) -> None:
    assert uid_of(user) == "7"


def test_uid_of_takes_the_requests_user() -> None:
    assert uid_of(SimpleLazyObject(lambda: User(pk=7))) == "7"


@pytest.mark.parametrize("user", [None, "", AnonymousUser(), User()])
def test_uid_of_refuses_who_has_none(user: Any) -> None:
    with pytest.raises(PublicationInvalid):
        uid_of(user)


def test_uid_of_refuses_a_request_without_login() -> None:
    with pytest.raises(PublicationInvalid):
        uid_of(SimpleLazyObject(AnonymousUser))
