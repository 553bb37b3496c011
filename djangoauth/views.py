"""The one view: a fresh token for the page that asks."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_cookie
from redis import RedisError

from . import conf
from .tokens import issue_token

log = logging.getLogger("djangoauth")

RETRY_AFTER_S = 2


@never_cache
@vary_on_cookie
@login_not_required  # It answers 401, which a script understands, rather than with a redirect.
@require_POST
@csrf_protect
def token(request: HttpRequest) -> JsonResponse:
    """Answer with ``{"token", "url", "expires_in"}``, or with ``{"error"}`` and 401 or 503."""
    try:
        issued = issue_token(request)
    except RedisError:
        log.exception("No token could be issued: Redis does not answer")
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        return JsonResponse({"error": "unavailable"}, status=503, headers=headers)
    if issued is None:
        return JsonResponse({"error": "login_required"}, status=401)
    url = conf.current().gateway_url
    return JsonResponse({"token": issued.text, "url": url, "expires_in": issued.expires_in_s})
