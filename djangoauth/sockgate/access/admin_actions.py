"""The action of the users' admin: sign out everywhere."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ..redis_clients import redis_errors
from .revocation import revoke_user


@admin.action(permissions=["change"], description=_("Sign out everywhere"))
def sign_out_everywhere(
    modeladmin: "admin.ModelAdmin[Any]", request: HttpRequest, queryset: "QuerySet[Any]"
) -> None:
    """End every session of the chosen users; their connections are closed."""
    signed_out = 0
    try:
        for user in queryset:
            revoke_user(user)
            modeladmin.log_change(request, user, "Signed out everywhere.")
            signed_out += 1
    except redis_errors.RedisError:
        failure = _("Redis does not answer. Not all were signed out; try again.")
        modeladmin.message_user(request, failure, messages.ERROR)
    if signed_out:
        note = ngettext("%d user was signed out.", "%d users were signed out.", signed_out)
        modeladmin.message_user(request, note % signed_out, messages.SUCCESS)


def add_to_user_admins() -> None:
    """Add the action to Django's ``UserAdmin``, and so to its present and later subclasses.

    Another admin, or one with its own ``actions``, must list ``sign_out_everywhere`` itself.
    """
    user_admin: Any = UserAdmin
    if sign_out_everywhere not in user_admin.actions:
        user_admin.actions = (*user_admin.actions, sign_out_everywhere)
