"""The view that a provider calls when one of its sessions ends."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from ...publishing.transactions import never_atomic
from ...redis_clients import redis_errors
from ..reminder import Reminder
from . import logins, tokens
from .errors import LogoutRefused, ProviderUnavailable

MAX_BODY_BYTES = 64 * 1024
REPLAY_WINDOW_S = 2 * (tokens.MAX_AGE_S + tokens.LEEWAY_S)
"""Longer than a token is accepted: ``iat`` may also be ``LEEWAY_S`` ahead."""

log = logging.getLogger("sockgate")
_refusals, _failures, _strangers = Reminder(), Reminder(), Reminder()


@csrf_exempt
@login_not_required
@never_cache
@never_atomic
@require_POST
def back_channel_logout(request: HttpRequest) -> HttpResponse:
    """End the logins that a ``logout_token`` names: 200, or 400 with ``{"error"}``."""
    try:
        logout = tokens.read_logout(_token_of(request), logins.provider())
        _end(logout)
    except LogoutRefused as error:
        if _refusals.is_due():
            log.warning("OIDC: a back-channel logout was refused: %s", error)
        return _refuse("invalid_request", str(error))
    except (ProviderUnavailable, redis_errors.RedisError) as error:
        if _failures.is_due():
            log.warning("OIDC: a back-channel logout has failed: %s", error)
        return _refuse("temporarily_unavailable", "the logout has failed; try again")
    return HttpResponse()


def _token_of(request: HttpRequest) -> str:
    if request.content_type != "application/x-www-form-urlencoded":
        raise LogoutRefused("the body is not a form")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        raise LogoutRefused(f"the body has more than {MAX_BODY_BYTES} bytes")
    given = request.POST.getlist("logout_token")
    if len(given) != 1:
        raise LogoutRefused("the form needs one logout_token")
    return given[0]


def _end(logout: tokens.Logout) -> None:
    if not logins.claim(logout.jti):
        raise LogoutRefused("the token was used before")
    try:
        is_known = logins.end_logins(logout.sid, logout.sub)
        logins.keep(logout.jti, REPLAY_WINDOW_S)
    except BaseException:
        logins.release(logout.jti)
        raise
    if not is_known and _strangers.is_due():
        log.warning(
            "OIDC: a back-channel logout names a session or a user that is not known here. Call "
            'remember_oidc_session at each login, or set USER_FOR in SOCKGATE["OIDC"].'
        )


def _refuse(error: str, description: str) -> JsonResponse:
    return JsonResponse({"error": error, "error_description": description}, status=400)
