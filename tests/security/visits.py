"""A login at the Django site, with a tab on every transport."""

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from sockgate_gateway.wire.control import RevokeUser

from tests.e2e.tabs import TABS, Close, Tab
from tests.security.gateways import Gateway

PATIENCE_S = 20
PASSWORD = "a-first-password-1"


@dataclass
class Visit:
    """One login.

    Args:
        user: who is logged in.
        client: their browser, as Django's test client.
    """

    user: User
    client: Client

    @property
    def session_key(self) -> str:
        return str(self.client.session.session_key)

    def token(self) -> str:
        answer = self.client.post("/realtime/token/")
        assert answer.status_code == 200, answer
        return str(json.loads(answer.content)["token"])


def visit(user: User) -> Visit:
    client = Client()
    client.force_login(user)
    return Visit(user, client)


class Watched:
    """A tab that is read in the background, until it is closed."""

    def __init__(self, tab: Tab, welcome: dict[str, Any]) -> None:
        self.tab = tab
        self.frames = [welcome]
        self.close: Close | None = None
        self.closed_at = 0.0
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait_for_close(self, patience_s: float = PATIENCE_S) -> Close:
        with self._changed:
            self._changed.wait_for(lambda: self.close, patience_s)
        assert self.close is not None, f"{self.tab.transport} was left open"
        return self.close

    def wait_for(self, **fields: Any) -> dict[str, Any]:
        """Wait for a frame with these fields, and return it."""
        with self._changed:
            found = self._changed.wait_for(lambda: self._find(fields), PATIENCE_S)
        assert found, f"{fields} never came, but {self.frames} and {self.close}"
        return found

    def show(self, token: str) -> None:
        """Send a token on the open connection after a refresh frame, as a page does."""
        self.wait_for(type="refresh")
        self.tab.send(json.dumps({"type": "refresh", "token": token}))

    def _find(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        return next((f for f in self.frames if fields.items() <= f.items()), None)

    def _read(self) -> None:
        while self.close is None:
            try:
                got = self.tab.read()
            except TimeoutError:
                continue  # No frame arrived for a while.
            except Exception as error:  # noqa: BLE001 -- the test's thread looks at it
                got = Close(0, repr(error))
            with self._changed:
                self._take(got)
                self._changed.notify_all()

    def _take(self, got: dict[str, Any] | Close) -> None:
        if isinstance(got, Close):
            self.close, self.closed_at = got, time.monotonic()
        else:
            self.frames.append(got)


@dataclass
class Tabs:
    """Opens tabs at one gateway, and closes them."""

    gateway: Gateway
    opened: list[Watched] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.gateway.url

    def open(self, token: str, transport: str = "websocket") -> Watched:
        tab = TABS[transport](self.url, None)
        tab.open()
        welcome = tab.show(token)
        assert isinstance(welcome, dict), welcome
        assert welcome["type"] == "connected"
        self.opened.append(Watched(tab, welcome))
        return self.opened[-1]

    def open_all(self, token: str) -> list[Watched]:
        return [self.open(token, transport) for transport in TABS]

    def close(self) -> None:
        """Let the gateway close them: a thread that reads cannot be woken from here."""
        for uid in {frame["user"] for w in self.opened for frame in w.frames if "user" in frame}:
            self.gateway.publish_control(RevokeUser(str(uid)))
        for watched in self.opened:
            watched.wait_for_close()
            watched.tab.close()
