"""OpenID Connect Back-Channel Logout 1.0: the provider ends the logins that it has made.

The site calls ``remember_oidc_session`` at a login, and has a URL of ``back_channel_logout``. The
names are loaded on first use, because only the view needs PyJWT.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .logins import remember_oidc_session
    from .views import back_channel_logout

__all__ = ["back_channel_logout", "remember_oidc_session"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import logins, views

    found = views if name == "back_channel_logout" else logins
    return getattr(found, name)
