"""What the demo tells Sockgate about channels and users."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

LOBBY = "room:lobby"


def may_subscribe(request: HttpRequest, channel: str) -> bool:
    """Decide about a subscription: ``SOCKGATE["AUTHORIZE"]``.

    Allow every room and desk to every user, but ``room:staff`` only to the staff.
    """
    if channel == "room:staff":
        return bool(getattr(request.user, "is_staff", False))
    return request.user.is_authenticated and channel.startswith(("room:", "desk:"))


def card_of(user: AbstractBaseUser) -> dict[str, str]:
    """What presence shows of a user: ``SOCKGATE["PRESENCE_DATA"]``."""
    return {"name": user.get_username()}
