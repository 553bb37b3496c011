"""A strict Content-Security-Policy, to show that Sockgate's client works with one."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GATEWAY = settings.GATEWAY
GATEWAY_SOCKETS = GATEWAY.replace("http", "ws", 1)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Add the header to every response."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers["Content-Security-Policy"] = _policy(request)
        return response

    return middleware


def _policy(request: HttpRequest) -> str:
    # JSONP loads scripts from the gateway and posts forms to it, so its page must allow both.
    is_jsonp = request.GET.get("transport") == "jsonp-polling"
    jsonp = f" {GATEWAY}" if is_jsonp else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{jsonp}",
            "style-src 'self'",
            "img-src 'self' data:",
            f"connect-src 'self' {GATEWAY} {GATEWAY_SOCKETS}",
            f"frame-src {GATEWAY}",
            f"form-action 'self'{jsonp}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
