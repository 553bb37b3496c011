"""``SiteSession``: tokens and grants of a Django site, asked for as a browser does.

The client sends the session cookie, and the CSRF token as cookie and header. It follows no
redirect, so that cookies go to this site only. It keeps cookies that the site sets, such as a
session under another key.
"""

import json
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from http.cookies import CookieError, SimpleCookie
from secrets import choice
from ssl import SSLContext
from string import ascii_letters, digits
from threading import Lock
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from ..deadline import Deadline, DeadlineHTTP, DeadlineHTTPS
from .credentials import IssuedGrant, IssuedToken
from .errors import CredentialsError
from .threads import in_thread

_TIMEOUT_S = 15.0
_MAX_BODY_BYTES = 64 * 1024
_CSRF_CHARACTERS = ascii_letters + digits
_CSRF_LENGTH = 32
"""As in ``django.middleware.csrf``."""
_TOKEN_REASONS = {401: "not signed in", 403: "forbidden, or a wrong CSRF token"}
_TRY_AGAIN = {408, 429}


class SiteSession:
    """Tokens and grants for a session of a Django site.

    Args:
        site: origin of the site, such as ``https://shop.example``.
        cookies: names and values; one of them is the session cookie, ``sessionid`` by default.
        token_path: of the token view.
        grant_path: of the grant view; default: ``grant/`` beside the token view.
        csrf_token: under ``CSRF_USE_SESSIONS``, the token from a page of this session. Otherwise
            the client makes a CSRF cookie of its own, unless ``cookies`` has one.
        csrf_cookie_name: ``CSRF_COOKIE_NAME`` of the site.
        csrf_header_name: name of the header that ``CSRF_HEADER_NAME`` of the site stands for.
        ssl: for ``https``; None: Python's default.
        uses_proxy: whether the proxy of the environment is used.
    """

    def __init__(
        self,
        site: str,
        cookies: Mapping[str, str],
        *,
        token_path: str = "/realtime/token/",  # noqa: S107
        grant_path: str = "",
        csrf_token: str = "",
        csrf_cookie_name: str = "csrftoken",
        csrf_header_name: str = "X-CSRFToken",
        ssl: SSLContext | None = None,
        uses_proxy: bool = True,
    ) -> None:
        parts = urlsplit(site)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"{site!r} is not the origin of a site, such as https://shop.example")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._token_url = urljoin(self._origin, token_path)
        self._grant_url = urljoin(self._token_url, grant_path or _sibling(token_path))
        self._cookies = dict(cookies)
        self._csrf_token = csrf_token
        self._csrf_cookie_name = csrf_cookie_name
        self._csrf_header_name = csrf_header_name
        self._opener = _opener(ssl, uses_proxy=uses_proxy)
        self._lock = Lock()

    async def fetch_token(self) -> IssuedToken:
        """Ask the token view."""
        fields = await in_thread(self._post, self._token_url, {}, token_error)
        token, url = fields.get("token"), fields.get("url")
        if not isinstance(token, str) or not token:
            raise CredentialsError("the answer of the token view holds no token")
        gateway_url = urljoin(self._origin, url) if isinstance(url, str) else ""
        return IssuedToken(token, _lifetime(fields), gateway_url)

    async def fetch_grant(self, channel: str) -> IssuedGrant:
        """Ask the grant view."""
        form = {"channel": channel}
        fields = await in_thread(self._post, self._grant_url, form, grant_error)
        grant = fields.get("grant", "")
        if grant is not None and (not isinstance(grant, str) or not grant):
            raise CredentialsError("the answer of the grant view holds no grant")
        return IssuedGrant(grant, _lifetime(fields))

    def _post(self, url: str, form: Mapping[str, str], error_of: Any) -> dict[str, Any]:
        try:
            with Deadline(_TIMEOUT_S) as deadline:
                return self._exchange(url, form, error_of, deadline)
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise CredentialsError(f"the site cannot be reached: {reason}") from None

    def _exchange(
        self, url: str, form: Mapping[str, str], error_of: Any, deadline: Deadline
    ) -> dict[str, Any]:
        request = Request(url, urlencode(form).encode(), self._headers(), method="POST")  # noqa: S310
        request.deadline = deadline  # type: ignore[attr-defined]  # for the handlers
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                self._keep_cookies(answer.headers)
                return _fields(answer.read(_MAX_BODY_BYTES))
        except HTTPError as error:
            with error:
                raise error_of(error.code, _redirect_of(error, url)) from None

    def _headers(self) -> dict[str, str]:
        with self._lock:
            csrf_token = self._csrf_token or self._cookies.setdefault(
                self._csrf_cookie_name, _random_csrf_token()
            )
            cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Requested-With": "XMLHttpRequest",
            "Origin": self._origin,
            "Referer": f"{self._origin}/",
            "Cookie": cookies,
            self._csrf_header_name: csrf_token,
        }

    def _keep_cookies(self, headers: HTTPMessage) -> None:
        for header in headers.get_all("Set-Cookie", []):
            cookies: SimpleCookie = SimpleCookie()
            try:
                cookies.load(header)
            except CookieError:
                continue
            with self._lock:
                self._cookies.update({name: morsel.value for name, morsel in cookies.items()})


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow none: the status is an error."""


def _opener(ssl: SSLContext | None, *, uses_proxy: bool) -> OpenerDirector:
    handlers: list[Any] = [_NoRedirects, DeadlineHTTP, DeadlineHTTPS(context=ssl)]
    return build_opener(*handlers, *([] if uses_proxy else [ProxyHandler({})]))


def _sibling(token_path: str) -> str:
    return token_path.rstrip("/").rpartition("/")[0] + "/grant/"


def _random_csrf_token() -> str:
    return "".join(choice(_CSRF_CHARACTERS) for _ in range(_CSRF_LENGTH))


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    return fields if isinstance(fields, dict) else {}


def _lifetime(fields: Mapping[str, Any]) -> float | None:
    expires_in_s = fields.get("expires_in")
    return float(expires_in_s) if isinstance(expires_in_s, int | float) else None


def _redirect_of(error: HTTPError, url: str) -> str:
    location = error.headers.get("Location") if 300 <= error.code < 400 else None
    return urljoin(url, location) if location else ""


def token_error(status: int, redirect: str) -> CredentialsError:
    """Decide about a status of the token view, as the browser client does."""
    if redirect:
        return _redirect_error(status, redirect)
    reason = _TOKEN_REASONS.get(status)
    return CredentialsError(
        reason or f"no token now: the site answered HTTP {status}", status, is_final=bool(reason)
    )


def grant_error(status: int, redirect: str) -> CredentialsError:
    """Decide about a status of the grant view, as the browser client does."""
    if redirect:
        return _redirect_error(status, redirect)
    is_final = 400 <= status < 500 and status not in _TRY_AGAIN
    reason = "not allowed" if is_final else f"no grant now: the site answered HTTP {status}"
    return CredentialsError(reason, status, is_final=is_final)


def _redirect_error(status: int, redirect: str) -> CredentialsError:
    where = urlsplit(redirect)
    reason = f"the site redirects to {where.scheme}://{where.netloc}{where.path}; use that address"
    return CredentialsError(reason, status, is_final=True)
