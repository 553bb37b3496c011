"""The gateway's own parts put together, with the memory broker, fake transports and one clock."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from gateway.authenticator import Authenticator, Claim, Login
from gateway.broker.memory import MemoryBroker
from gateway.control import Listener
from gateway.endpoint import Endpoint
from gateway.hub import Hub
from gateway.registry import Limits, Registry
from gateway.route import Route
from gateway.sessionwatch import SessionWatch
from gateway.wire.names import Names
from gateway.wire.records import SessionRecord, UserRecord
from gateway.wire.tokens import Token, TokenSigner
from tests.waiting import turn_loop

from .fakes import Clock, FakeTransport

KEY = "a signing key of these tests that is long enough"
NAMES = Names()
CONNECT_TIMEOUT_S = 10.0
HELD_LIMIT_BYTES = 1000


class Tab:
    """One browser's end."""

    def __init__(self, endpoint: Endpoint, address: str) -> None:
        self._endpoint = endpoint
        self.transport = FakeTransport()
        self.connection = endpoint.opened(self.transport, address)

    @property
    def code(self) -> int | None:
        """With what it was closed, if it was."""
        return self.transport.codes[-1] if self.transport.codes else None

    def says(self, frame: dict[str, Any] | str) -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        self._endpoint.received(self.connection, text)

    def shows(self, token: str) -> None:
        self.says({"type": "connect", "token": token})

    def leaves(self) -> None:
        self._endpoint.closed(self.connection)

    def frames(self) -> list[dict[str, Any]]:
        """Take what has come since last asked."""
        frames = [json.loads(frame) for frame in self.transport.frames]
        self.transport.batches.clear()
        return frames


class LateReply:
    """What Redis was asked, and has not answered yet."""

    def __init__(self) -> None:
        self.is_read = asyncio.Event()
        self.may_arrive = asyncio.Event()


class House:
    """A worker without sockets."""

    def __init__(
        self,
        clock: Clock,
        *,
        max_frames_per_second: float = 1000,
        audit_interval_s: float = 30,
        **limits: int,
    ) -> None:
        self.clock = clock
        self.broker = MemoryBroker(NAMES, clock.read)
        self.signer = TokenSigner([KEY], clock.read)
        authenticator = Authenticator(self.signer, self.broker, 3600, clock.read)
        everything = {"total": 99, "unauthenticated": 99, "per_user": 99, "per_address": 99}
        self.registry = Registry(Limits(**{**everything, **limits}))
        self.hub = Hub(NAMES, self.broker, HELD_LIMIT_BYTES)
        self.endpoint = Endpoint(
            self.registry,
            self.hub,
            authenticator,
            clock.wheel,
            CONNECT_TIMEOUT_S,
            HELD_LIMIT_BYTES,
            max_frames_per_second,
        )
        self.watch = SessionWatch(
            self.endpoint, authenticator, clock.wheel, audit_interval_s, 0, clock.read
        )
        self.endpoint.on_welcome = self.watch.welcomed
        self.listener = Listener(self.endpoint, self.watch, self.broker, clock.wheel)
        self.broker.listen(self.listener)

    def log_in(self, sid: str = "sid", uid: str = "7", *groups: str, ttl_s: float = 10_000) -> str:
        """Write the records of a login, and give a token for it."""
        self.broker.write_session(sid, SessionRecord(uid, "digest"), ttl_s)
        if uid:
            self.broker.write_user(uid, UserRecord("digest", tuple(map("group:{}".format, groups))))
        return self.signer.issue(Token(sid, uid or None))

    def delay_next_reply(self) -> "LateReply":
        """Let the next answer about sessions come late; those after it overtake it."""
        read_many, late = self.broker.read_many, LateReply()

        async def read_late(claims: Sequence[Claim]) -> list[Login]:
            self.broker.read_many = read_many  # type: ignore[method-assign]
            logins = await read_many(claims)
            late.is_read.set()
            await late.may_arrive.wait()
            return logins

        self.broker.read_many = read_late  # type: ignore[method-assign]
        return late

    def hold_channels(self) -> Callable[[], None]:
        """Let nobody hear a channel until what is returned is called, as when Redis is slow."""
        behind: dict[Route, None] = {}
        self.hub.on_behind = lambda route: behind.update({route: None})

        def release() -> None:
            self.hub.on_behind = None
            for route in behind:
                route.question()
                self.hub.settle(route, None)

        return release

    def attach(self, address: str = "192.0.2.1") -> Tab:
        return Tab(self.endpoint, address)

    async def welcome(self, sid: str = "sid", uid: str = "7", *groups: str, **options: Any) -> Tab:
        """Give a browser that is welcomed, its welcome read."""
        tab = self.attach()
        tab.shows(self.log_in(sid, uid, *groups, **options))
        await turn_loop()
        (frame,) = tab.frames()
        assert frame["type"] == "connected", frame
        return tab
