"""Who may subscribe to which channel: ``SOCKGATE["AUTHORIZE"]``."""

from django.http import HttpRequest

LOBBY = "room:lobby"


def may_subscribe(request: HttpRequest, channel: str) -> bool:
    """Let everybody into every room, but only the staff into the staff's."""
    if channel == "room:staff":
        return bool(getattr(request.user, "is_staff", False))
    return channel.startswith("room:")
