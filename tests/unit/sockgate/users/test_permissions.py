from django.contrib.auth.models import Group, Permission
from sockgate.users.permissions import groups_field, permissions_field


def test_groups_field_is_djangos() -> None:
    field = groups_field()
    assert field is not None
    assert field.related_model is Group


def test_permissions_field_is_djangos() -> None:
    field = permissions_field()
    assert field is not None
    assert field.related_model is Permission
