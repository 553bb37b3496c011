"""Proxies, such as projects make to have Django's models in a section of their own admin."""

from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session


class Member(User):
    class Meta:
        proxy = True
        app_label = "subclasses"


class Team(Group):
    class Meta:
        proxy = True
        app_label = "subclasses"


class Right(Permission):
    class Meta:
        proxy = True
        app_label = "subclasses"


class Visit(Session):
    class Meta:
        proxy = True
        app_label = "subclasses"
