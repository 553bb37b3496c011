"""The remaining time of a page's login: read without an extension, or extended on request.

Strategy: a page asks before it warns, because another tab may have used the session meanwhile. The
question itself must not extend the session, also with ``SESSION_SAVE_EVERY_REQUEST`` and with a
middleware that notes each request in the session. So the view leaves an empty session behind, which
Django neither saves nor deletes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, SESSION_KEY
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, get_script_prefix, is_valid_path
from django.utils.translation import get_language, get_language_bidi, gettext

from ..errors import SessionChangePending
from ..redis_clients import redis_errors
from ..redis_clients.breaker import PAGES, BreakerOpen
from ..sessions.base import RecordedSession, ends_at_a_date
from ..sessions.pending_change import is_change_pending
from ..users.recipients import uid_of


class RemainingLogin(NamedTuple):
    """A login, and how long it lasts.

    Args:
        user: the primary key as text.
        expires_in_s: the seconds until it ends.
        extends_to_s: the seconds that it has after an extension; None: it ends at a date.
    """

    user: str
    expires_in_s: int
    extends_to_s: int | None

    @property
    def fields(self) -> dict[str, Any]:
        """The response of the view."""
        return {
            "user": self.user,
            "expires_in": self.expires_in_s,
            "extends_to": self.extends_to_s,
        }


def read_login(request: HttpRequest) -> RemainingLogin | None:
    """Read the remaining time of a request's login, and leave its session as it is.

    Returns:
        None without a login.

    Raises:
        SessionChangePending: the session may be about to move to another key or password.
        redis.RedisError: Redis fails or does not answer.
    """
    try:
        return _remaining(request, lambda session: session.seconds_left())
    finally:
        leave_unsaved(request)


def current_uid(request: HttpRequest) -> str | None:
    """Return the user of a request, whose session stays as it is; None without a login.

    Raises:
        SessionChangePending: as for ``read_login``.
        redis.RedisError: as for ``read_login``.
    """
    try:
        return page_uid(request)
    finally:
        leave_unsaved(request)


def page_uid(request: HttpRequest) -> str | None:
    """Return the user of a page; None without a login. Raises as ``current_uid``."""
    if is_change_pending(request):
        raise SessionChangePending
    return uid_of(request.user) if request.user.is_authenticated else None


def extend_login(request: HttpRequest) -> RemainingLogin | None:
    """Extend a request's login, as any request that changes the session; returns as ``read_login``.

    Django's middleware saves the session with the response, and sets the cookie anew.
    """
    login = _remaining(request, lambda session: int(session.get_expiry_age()))
    if login is not None:
        request.session.modified = True
    return login


def _remaining(
    request: HttpRequest, seconds_of: Callable[[RecordedSession], int]
) -> RemainingLogin | None:
    if is_change_pending(request):
        raise SessionChangePending
    session = request.session
    if not isinstance(session, RecordedSession) or not request.user.is_authenticated:
        return None
    left_s = seconds_of(session)
    if left_s <= 0:
        return None
    extends_to_s = None if ends_at_a_date(session) else int(session.get_expiry_age())
    return RemainingLogin(str(session[SESSION_KEY]), left_s, extends_to_s)


def leave_unsaved(request: HttpRequest) -> None:
    """Leave an empty session behind, so that this request neither extends nor changes the login."""
    # Without the cookie, Django does not delete it either.
    request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
    request.session = type(request.session)()


def guard_config(request: HttpRequest) -> dict[str, Any] | None:
    """Return what the page's guard needs of the login; None for a visitor.

    ``expiresIn`` is None where Redis does not answer. The page then asks later.
    """
    session = request.session
    if not isinstance(session, RecordedSession) or not session.get(SESSION_KEY):
        return None
    unknown = {"user": str(session[SESSION_KEY]), "expiresIn": None, "extendsTo": None}
    try:
        with PAGES.guard():
            login = _remaining(request, _seconds_after)
    except (SessionChangePending, BreakerOpen, redis_errors.RedisError):
        return unknown
    if login is None:
        return None
    return {
        "user": login.user,
        "expiresIn": login.expires_in_s,
        "extendsTo": login.extends_to_s,
    }


def _seconds_after(session: RecordedSession) -> int:
    """Return the seconds that a session has after this request, which may save it."""
    is_saved = session.modified or settings.SESSION_SAVE_EVERY_REQUEST
    return int(session.get_expiry_age()) if is_saved else session.seconds_left()


def page_texts() -> dict[str, Any]:
    """Return the texts of dialog and cover in the current language, and that language.

    ``{time}`` is replaced in the page, for example by 1:59.
    """
    return {
        "lang": get_language(),
        "dir": "rtl" if get_language_bidi() else "ltr",
        "texts": {
            "title": gettext("You will be signed out soon"),
            "left": gettext("Time left: {time}"),
            "hint": gettext("Stay signed in to keep what you have entered."),
            "fixed": gettext("This login cannot be extended. Save your work."),
            "stay": gettext("Stay signed in"),
            "dismiss": gettext("Not now"),
            "failed": gettext("That did not work. Try again."),
            "ended": gettext("You are signed out"),
            "endedHint": gettext("The login of this page has ended, so its content is covered."),
            "other": gettext("Another user is signed in"),
            "checking": gettext("Checking your login"),
            "checkingHint": gettext("The page is shown again as soon as the site answers."),
            "login": gettext("Sign in again"),
            "reload": gettext("Reload the page"),
        },
    }


def login_place() -> dict[str, Any]:
    """Return ``LOGIN_URL`` and the name of its parameter; None for a path without a view."""
    try:
        url = resolve_url(settings.LOGIN_URL)
    except NoReverseMatch:
        url = None
    if url and url.startswith("/") and not url.startswith("//") and not _is_ours(url):
        url = None
    return {"loginUrl": url, "nextName": REDIRECT_FIELD_NAME}


def _is_ours(url: str) -> bool:
    path = url.partition("?")[0].partition("#")[0]
    return bool(is_valid_path("/" + path.removeprefix(get_script_prefix()).lstrip("/")))
