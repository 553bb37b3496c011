"""A browser without a window: cookies, CSRF, forms and the token endpoint, over plain HTTP."""

import json
from dataclasses import dataclass
from http.cookiejar import Cookie, CookieJar
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPErrorProcessor, OpenerDirector, Request
from urllib.request import HTTPHandler as PlainHTTP

from sockgate_gateway.wire.names import sid_of

from tests.waiting import wait_until

TIMEOUT_S = 15


@dataclass(frozen=True)
class Answer:
    status: int
    body: str


class _EveryStatus(HTTPErrorProcessor):
    """Give responses back, whatever their status."""

    def http_response(self, request, response):
        return response


class Visitor:
    """One browser, with the login that it has."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._cookies = CookieJar()
        self._opener = OpenerDirector()
        for handler in (PlainHTTP(), HTTPCookieProcessor(self._cookies), _EveryStatus()):
            self._opener.add_handler(handler)

    @property
    def session_key(self) -> str:
        return self._cookie("sessionid")

    @property
    def sid(self) -> str:
        return sid_of(self.session_key)

    def get(self, path: str) -> Answer:
        return self._ask(Request(self._origin + path))

    def post(self, path: str, **fields: str) -> Answer:
        body = urlencode(fields).encode()
        headers = {"X-CSRFToken": self._cookie("csrftoken"), "Origin": self._origin}
        return self._ask(Request(self._origin + path, body, headers))

    def log_in(self, name: str) -> "Visitor":
        self.get("/login/")
        answer = self.post("/login/", username=name, password=f"{name}-demo")
        assert answer.status == 302, answer
        return self

    def log_out(self) -> None:
        assert self.post("/logout/").status == 302

    def ask_for_token(self) -> Answer:
        return self.post("/realtime/token/")

    def token(self) -> str:
        """Ask for a token; like the client, ask again where a busy site has no time for Redis."""
        answer = wait_until(self._answer_for_token, self.ask_for_token)
        assert answer.status == 200, answer
        return str(json.loads(answer.body)["token"])

    def _answer_for_token(self) -> Answer | None:
        answer = self.ask_for_token()
        return None if answer.status == 503 else answer

    def set_cookie(self, name: str, value: str) -> None:
        """Have a cookie of this site."""
        rest = {"comment": None, "comment_url": None, "rest": {}, "expires": None, "discard": True}
        host = urlsplit(self._origin).hostname
        domain = f"{host}.local" if host == "localhost" else host
        self._cookies.set_cookie(
            Cookie(0, name, value, None, False, domain, False, False, "/", True, False, **rest)
        )

    def delete_cookie(self, name: str) -> None:
        cookie = next(cookie for cookie in self._cookies if cookie.name == name)
        self._cookies.clear(cookie.domain, cookie.path, name)

    def _ask(self, request: Request) -> Answer:
        with self._opener.open(request, timeout=TIMEOUT_S) as response:
            return Answer(response.status, response.read().decode())

    def _cookie(self, name: str) -> str:
        return next((c.value or "" for c in self._cookies if c.name == name), "")
