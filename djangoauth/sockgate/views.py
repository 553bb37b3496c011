"""The views that pages call: a fresh token, a grant for a channel, the rest of the login."""

import json
import logging
from collections.abc import Callable
from functools import wraps
from math import ceil

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_cookie
from sockgate_gateway.wire.errors import ChannelNameError

from . import conf
from .access.grants import issue_grant
from .access.reminder import AUTHORIZE_REMINDER
from .access.session_guard import current_uid, extend_login, read_login
from .access.tokens import issue_token
from .errors import AuthorizeMissing, LoginRequired, SessionChangePending, SubscriptionRefused
from .publishing.transactions import never_atomic
from .redis_clients import redis_errors
from .redis_clients.breaker import VIEWS, BreakerOpen
from .redis_clients.time_budget import time_budget

log = logging.getLogger("sockgate")

RETRY_AFTER_S = 2

REDIS_TIMEOUT_S = 2.0
"""The time that a view may spend on Redis before it answers 503."""

_View = Callable[[HttpRequest], JsonResponse]
_ResponseView = Callable[[HttpRequest], HttpResponse]


def _refuse(error: str, status: int) -> JsonResponse:
    return JsonResponse({"error": error}, status=status)


def _for_scripts(*methods: str) -> Callable[[_View], _ResponseView]:
    """Wrap a view for scripts: 401 instead of a redirect, no caching, 503 where Redis fails."""

    def wrap(view: _View) -> _ResponseView:
        # Under ATOMIC_REQUESTS a user record would be restored at the commit, after the grant that
        # must carry the name of the user's rights.
        checked = require_http_methods(methods)(csrf_protect(never_atomic(_guarded(view))))
        return never_cache(vary_on_cookie(login_not_required(checked)))

    return wrap


def _guarded(view: _View) -> _View:
    @wraps(view)
    def answer(request: HttpRequest) -> JsonResponse:
        retry_after_s = RETRY_AFTER_S
        try:
            with VIEWS.guard(), time_budget(REDIS_TIMEOUT_S):
                return view(request)
        except BreakerOpen as error:
            retry_after_s = ceil(error.retry_after_s)
        except SessionChangePending:
            # Django deletes a cookie that names no session. By the time this answer arrives, the
            # browser may have a new cookie, which would be deleted instead.
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        except redis_errors.RedisError as error:
            log.warning("The view %s could not answer: %s", view.__name__, error)
        answer = _refuse("unavailable", 503)
        answer["Retry-After"] = str(retry_after_s)
        return answer

    return answer


@_for_scripts("POST")
def token(request: HttpRequest) -> JsonResponse:
    """Answer with ``{"token", "url", "expires_in"}``, or with ``{"error"}`` and 401 or 503."""
    issued = issue_token(request, may_start=True)
    if issued is None:
        return _refuse("login_required", 401)
    url = conf.gateway_url_for(request)
    return JsonResponse({"token": issued.text, "url": url, "expires_in": issued.expires_in_s})


@_for_scripts("POST")
def grant(request: HttpRequest) -> JsonResponse:
    """Answer ``{"channel"}`` with ``{"grant", "expires_in"}``, or ``{"error"}`` and 400 to 503.

    The request names the channel in a form or in JSON. The grant of a public channel is null.
    """
    try:
        issued = issue_grant(request, _channel_of(request))
    except ChannelNameError:
        return _refuse("bad_channel", 400)
    except LoginRequired:
        return _refuse("login_required", 401)
    except AuthorizeMissing as error:
        return _refuse_for_want_of_authorize(error)
    except SubscriptionRefused:
        return _refuse("not_allowed", 403)
    return JsonResponse({"grant": issued.text, "expires_in": issued.expires_in_s})


@_for_scripts("GET", "POST")
def session(request: HttpRequest) -> JsonResponse:
    """Answer with ``{"user", "expires_in", "extends_to"}``, or ``{"error"}`` and 401 or 503.

    A GET leaves the session as it is, and a POST extends it.
    """
    login = extend_login(request) if request.method == "POST" else read_login(request)
    return _refuse("login_required", 401) if login is None else JsonResponse(login.fields)


@_for_scripts("GET")
def progress(request: HttpRequest) -> JsonResponse:
    """Answer ``?id=…&id=…`` with ``{"progress": {id: report}}``; unknown ids are left out.

    It leaves the session as it is, as ``session`` does.
    """
    from .publishing.progress import records  # A site without progress does not need it.

    uid, ids = current_uid(request), request.GET.getlist("id")
    if uid is None:
        return _refuse("login_required", 401)
    return JsonResponse({"progress": records.read(uid, ids)})


def _refuse_for_want_of_authorize(error: AuthorizeMissing) -> JsonResponse:
    """Say why in the log, once a minute, and in the answer with ``DEBUG``."""
    if AUTHORIZE_REMINDER.is_due():
        log.warning("%s", error)
    hint = {"hint": str(error)} if settings.DEBUG else {}
    return JsonResponse({"error": "not_allowed", **hint}, status=403)


def _channel_of(request: HttpRequest) -> str:
    if request.content_type != "application/json":
        return request.POST.get("channel", "")
    try:
        fields = json.loads(request.body)
    except (ValueError, RecursionError):
        return ""
    channel = fields.get("channel") if isinstance(fields, dict) else None
    return channel if isinstance(channel, str) else ""
