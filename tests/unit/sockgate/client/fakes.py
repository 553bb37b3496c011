"""A client protocol with a clock of its own, and a gateway that the test plays."""

import json
from typing import Any

from sockgate.client import ClientProtocol, CredentialsError, IssuedGrant, IssuedToken, Reconnect
from sockgate.client.events import StateChanged
from sockgate.client.protocol.actions import (
    Answer,
    CloseSocket,
    FetchGrant,
    FetchToken,
    OpenSocket,
    Output,
    SendText,
)
from sockgate.client.protocol.close import Close

URL = "https://push.example/realtime"
_ACTIONS = (Answer, CloseSocket, FetchGrant, FetchToken, OpenSocket, SendText)


class Bench:
    """Plays everything around a protocol. Every random number is one half."""

    def __init__(self, url: str = URL) -> None:
        self.now = 0.0
        self.events: list[Any] = []
        self.sockets: list[list[dict[str, Any]]] = []
        self.urls: list[str] = []
        self.closed = 0
        self.answers: list[Answer] = []
        self.fetches: list[FetchToken] = []
        self.grant_fetches: list[FetchGrant] = []
        self.protocol = ClientProtocol(
            url=url,
            reconnect=Reconnect(min_s=1.0, max_s=30.0),
            clock=lambda: self.now,
            random=lambda: 0.5,
        )

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The frames on the newest socket."""
        return self.sockets[-1]

    @property
    def states(self) -> list[StateChanged]:
        return [event for event in self.events if isinstance(event, StateChanged)]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def run(self) -> None:
        """Take what the protocol puts out."""
        for output in self.protocol.take_outputs():
            self._take(output)

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while (at := self.protocol.next_timer_at()) is not None and at <= end:
            self.now = max(at, self.now)
            self.protocol.run_timers()
            self.run()
        self.now = end

    def connect(self, token: str = "T1") -> None:
        self.protocol.connect()
        self.run()
        self.issue(token)

    def issue(self, token: str, expires_in_s: float | None = 3600, url: str = "") -> None:
        self.protocol.token_fetched(self.fetches[-1].number, IssuedToken(token, expires_in_s, url))
        self.run()

    def fail_token(self, status: int, *, is_final: bool = False) -> None:
        error = CredentialsError("why", status, is_final=is_final)
        self.protocol.token_failed(self.fetches[-1].number, error)
        self.run()

    def grant(self, grant: str | None) -> None:
        self.protocol.grant_fetched(self.grant_fetches[-1].number, IssuedGrant(grant, 3600))
        self.run()

    def refuse_grant(self, status: int, *, is_final: bool) -> None:
        error = CredentialsError("no", status, is_final=is_final)
        self.protocol.grant_failed(self.grant_fetches[-1].number, error)
        self.run()

    def open(self) -> None:
        self.protocol.opened()
        self.run()

    def deliver(self, *frames: Any) -> None:
        for frame in frames:
            text = frame if isinstance(frame, str) else json.dumps(frame)
            self.protocol.received(text)
            self.run()

    def welcome(self, **more: Any) -> None:
        self.open()
        frame = {"type": "connected", "connection": "c1", "user": "7", "expires": None}
        self.deliver({**frame, "channels": {"user:7": {}, "broadcast": {}}, **more})

    def lose(self, code: int, reason: str = "why", *, is_attempt: bool = False) -> None:
        self.protocol.lost(Close(code, reason, is_attempt))
        self.run()

    def reconnect(self, **more: Any) -> None:
        self.lose(1006)
        self.advance(0.5)
        self.welcome(**more)

    def answer(self, **more: Any) -> None:
        """Answer the newest frame."""
        self.deliver({**more, "reply_to": self.sent[-1]["id"]})

    def _take(self, output: Output) -> None:
        if isinstance(output, FetchToken):
            self.fetches.append(output)
        elif isinstance(output, FetchGrant):
            self.grant_fetches.append(output)
        elif isinstance(output, OpenSocket):
            self.sockets.append([])
            self.urls.append(output.url)
        elif isinstance(output, SendText):
            self.sent.append(json.loads(output.text))
        elif isinstance(output, CloseSocket):
            self.closed += 1
        elif isinstance(output, Answer):
            self.answers.append(output)
        else:
            self.events.append(output)
