"""A page of the site, as Django's test client renders it, and its requests to the site.

Strategy: the tab's connection lives in a thread of the client, but code of the site must run in the
thread of the test: there is the test's transaction. So requests for tokens and grants wait in a
queue, and the test's thread serves them while it waits for something. A grant that the page carries
is used once. Then one of ``{% live %}`` comes with a fresh page, as in a browser, and others from
the grant view.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import Any

from django.test import Client

from ..client import CredentialsError, IssuedGrant, IssuedToken
from ..client.site import grant_error, token_error

_BLOCK = r'<script type="application/json" data-sockgate="{}"[^>]*>(.*?)</script>'


class NoClient(AssertionError):
    """The page does not connect."""


class Page:
    """One page; it is the source of credentials of its tab.

    Args:
        client: Django's test client, with the login of the user.
        path: of the page.

    Raises:
        NoClient: the page cannot be had, has no tag, or has no login.
    """

    def __init__(self, client: Client, path: str) -> None:
        self._client = client
        self._path = path
        self.response = client.get(path, follow=True)
        self._config = _config_of(self.response, path)
        self._live = _live_channels_of(self.response)
        self._grants = self._live | self._config.get("grants", {})
        self._first = self._first_token()
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()

    @property
    def gateway_url(self) -> str:
        """The URL of the gateway that the page names."""
        return str(self._config["url"])

    async def fetch_token(self) -> IssuedToken:
        """Return the token of the page, and later those of the token view."""
        first, self._first = self._first, None
        return first or await self._in_test(self._request_token)

    async def fetch_grant(self, channel: str) -> IssuedGrant:
        """Return a grant of the page or of the grant view."""
        issued: IssuedGrant = await self._in_test(lambda: self.request_grant(channel))
        return issued

    def request_grant(self, channel: str) -> IssuedGrant:
        """Return a grant that the page carries; else ask the grant view, and thereby ``AUTHORIZE``.

        Raises:
            CredentialsError: the view refuses.
        """
        if channel in self._live and channel not in self._grants:
            page = self._client.get(self._path, follow=True, headers={"X-Sockgate-Live": "1"})
            self._grants |= _live_channels_of(page)
        held = self._grants.pop(channel, {})
        if "grant" in held:
            return IssuedGrant(held["grant"], held["expires_in"])
        answer = self._post(self._config["grantUrl"], {"channel": channel})
        if answer.status_code != 200:
            raise grant_error(answer.status_code, "")
        fields = answer.json()
        return IssuedGrant(fields["grant"], fields["expires_in"])

    def serve(self) -> None:
        """Make the requests that wait; called by the thread of the test."""
        while True:
            try:
                call = self._calls.get_nowait()
            except Empty:
                return
            call()

    def _first_token(self) -> IssuedToken | None:
        token = self._config.get("token")
        return IssuedToken(token, self._config["expiresIn"]) if token else None

    def _request_token(self) -> IssuedToken:
        answer = self._post(self._config["tokenUrl"], {})
        if answer.status_code != 200:
            raise token_error(answer.status_code, "")
        fields = answer.json()
        return IssuedToken(fields["token"], fields["expires_in"])

    def _post(self, url: str, form: Mapping[str, str]) -> Any:
        headers = {self._config["csrfHeaderName"]: self._config.get("csrfToken") or ""}
        return self._client.post(url, form, headers=headers)

    async def _in_test(self, request: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def call() -> None:
            result, error = None, None
            try:
                result = request()
            except CredentialsError as refusal:
                error = refusal
            except Exception as failure:
                error = CredentialsError(f"a view of the site failed: {failure!r}", is_final=True)
                loop.call_soon_threadsafe(_settle, future, None, error)
                raise
            loop.call_soon_threadsafe(_settle, future, result, error)

        self._calls.put(call)
        return await future


def _settle(future: "asyncio.Future[Any]", result: Any, error: CredentialsError | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _config_of(response: Any, path: str) -> dict[str, Any]:
    if response.status_code != 200:
        raise NoClient(f"{path} was answered with HTTP {response.status_code}")
    found = _orders_of(response, "client")
    if not found:
        raise NoClient(f"{path} has no {{% sockgate_client %}}")
    config = found[-1]
    if config.get("loginRequired"):
        raise NoClient(f'{path} has no login, and SOCKGATE["ANONYMOUS"] is not set')
    return config


def _live_channels_of(response: Any) -> dict[str, dict[str, Any]]:
    """Return what the fragments of a page carry for each channel, as ``LivePage.subscriptions``."""
    orders = _orders_of(response, "live") if response.status_code == 200 else []
    return {channel: held for one in orders for channel, held in one["channels"].items()}


def _orders_of(response: Any, kind: str) -> list[dict[str, Any]]:
    text = response.content.decode(response.charset)
    return [json.loads(block) for block in re.findall(_BLOCK.format(kind), text, re.DOTALL)]
