"""What the admin of users can do: sign them out everywhere."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from redis import RedisError

from .revocation import revoke_user


@admin.action(permissions=["change"], description=_("Sign out everywhere"))
def sign_out_everywhere(
    modeladmin: "admin.ModelAdmin[Any]", request: HttpRequest, queryset: "QuerySet[Any]"
) -> None:
    """End every session of the chosen users, and their connections."""
    signed_out = 0
    try:
        for user in queryset:
            revoke_user(user)
            modeladmin.log_change(request, user, "Signed out everywhere.")
            signed_out += 1
    except RedisError:
        failure = _("Redis does not answer. Not all were signed out; try again.")
        modeladmin.message_user(request, failure, messages.ERROR)
    if signed_out:
        note = ngettext("%d user was signed out.", "%d users were signed out.", signed_out)
        modeladmin.message_user(request, note % signed_out, messages.SUCCESS)


def offer_to_user_admins() -> None:
    """Give the action to Django's admin of users and to its heirs, whenever they are made.

    An admin that sets ``actions`` of its own, or is no heir, lists ``sign_out_everywhere`` itself.
    """
    heirs: Any = UserAdmin
    if sign_out_everywhere not in heirs.actions:
        heirs.actions = (*heirs.actions, sign_out_everywhere)
