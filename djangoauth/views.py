"""The views: a fresh token, or a grant for a channel, for the page that asks."""

import json
import logging
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connections, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_cookie
from redis import RedisError

from gateway.wire.errors import ChannelNameError

from . import conf
from .channels import issue_grant
from .errors import LoginRequired, SessionSettling, SubscriptionRefused
from .tokens import issue_token

log = logging.getLogger("djangoauth")

RETRY_AFTER_S = 2

_View = Callable[[HttpRequest], JsonResponse]


def _refuse(error: str, status: int) -> JsonResponse:
    return JsonResponse({"error": error}, status=status)


def _for_scripts(view: _View) -> _View:
    """Answer a page's script: 401 rather than a redirect, never from a cache, 503 for not now."""

    @wraps(view)
    def answer(request: HttpRequest) -> JsonResponse:
        try:
            return view(request)
        except SessionSettling:
            # Django deletes a cookie that names no session. By the time that this answer arrives
            # the browser may have another, which would be deleted instead.
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        except RedisError:
            log.exception("No %s could be issued: Redis does not answer", view.__name__)
        answer = _refuse("unavailable", 503)
        answer["Retry-After"] = str(RETRY_AFTER_S)
        return answer

    # Under ATOMIC_REQUESTS a user's record would be healed after a grant had to name his rights.
    for alias in connections:
        answer = transaction.non_atomic_requests(alias)(answer)
    return never_cache(vary_on_cookie(login_not_required(require_POST(csrf_protect(answer)))))


@_for_scripts
def token(request: HttpRequest) -> JsonResponse:
    """Answer with ``{"token", "url", "expires_in"}``, or with ``{"error"}`` and 401 or 503."""
    issued = issue_token(request)
    if issued is None:
        return _refuse("login_required", 401)
    url = conf.current().gateway_url
    return JsonResponse({"token": issued.text, "url": url, "expires_in": issued.expires_in_s})


@_for_scripts
def grant(request: HttpRequest) -> JsonResponse:
    """Answer ``{"channel"}`` with ``{"grant", "expires_in"}``, or ``{"error"}`` and 400 to 503.

    The channel comes in a form or in JSON; the grant of a public channel is null.
    """
    try:
        issued = issue_grant(request, _channel_of(request))
    except ChannelNameError:
        return _refuse("bad_channel", 400)
    except LoginRequired:
        return _refuse("login_required", 401)
    except SubscriptionRefused:
        return _refuse("not_allowed", 403)
    return JsonResponse({"grant": issued.text, "expires_in": issued.expires_in_s})


def _channel_of(request: HttpRequest) -> str:
    if request.content_type != "application/json":
        return request.POST.get("channel", "")
    try:
        fields = json.loads(request.body)
    except (ValueError, RecursionError):
        return ""
    channel = fields.get("channel") if isinstance(fields, dict) else None
    return channel if isinstance(channel, str) else ""
