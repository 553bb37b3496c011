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
        response.headers["Content-Security-Policy"] = policy(request)
        _allow_cookies_in_frames(request, response)
        return response

    return middleware


def _allow_cookies_in_frames(request: HttpRequest, response: HttpResponse) -> None:
    # Bob's half is a frame of another site, in which browsers only send such cookies. They take
    # localhost for secure. Programs, which do not say Sec-Fetch-Mode, would not send them. A
    # private window sends only those of the page around; Python 3.14 knows that attribute.
    if request.get_host().startswith("localhost:") and "Sec-Fetch-Mode" in request.headers:
        for cookie in response.cookies.values():
            cookie["samesite"], cookie["secure"] = "None; Partitioned", True


def policy(request: HttpRequest) -> str:
    """Allow what the page needs; without WebSocket in the network of 2003."""
    # JSONP loads scripts from the gateway and posts forms to it, so its page must allow both.
    is_jsonp = request.GET.get("transport") == "jsonp-polling"
    jsonp = f" {GATEWAY}" if is_jsonp else ""
    sockets = "" if request.GET.get("network") == "2003" else GATEWAY_SOCKETS
    port = request.get_port()
    origins = f"http://127.0.0.1:{port} http://localhost:{port}"
    is_half = request.path.startswith(("/shop/", "/enter/"))
    ancestors = origins if is_half else "'none'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{jsonp}",
            "style-src 'self'",
            "img-src 'self' data:",
            f"connect-src 'self' {GATEWAY} {sockets}",
            f"frame-src {GATEWAY} {origins}",
            f"form-action 'self'{jsonp}",
            "base-uri 'none'",
            f"frame-ancestors {ancestors}",
        )
    )
