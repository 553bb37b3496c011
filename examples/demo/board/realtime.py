"""Authorization of subscriptions: ``SOCKGATE["AUTHORIZE"]``."""

from django.http import HttpRequest

LOBBY = "room:lobby"


def may_subscribe(request: HttpRequest, channel: str) -> bool:
    """Allow every room to every user, but ``room:staff`` only to the staff."""
    if channel == "room:staff":
        return bool(getattr(request.user, "is_staff", False))
    return channel.startswith("room:")
