"""sockjs-tornado as its README shows it, so that a test can show what it does not do."""

import time
from collections.abc import Callable
from contextlib import suppress

from sockgate_gateway.sockjs.library import SockJSConnection, SockJSRouter
from sockgate_gateway.wire.closecodes import CloseCode
from tornado.web import Application, HTTPError
from tornado.websocket import WebSocketClosedError

from tests.integration.sockjs.service import PREFIX, Service

_SETTINGS = {"heartbeat": "heartbeat_delay", "response_limit": "response_limit"}


class Plain(Service):
    """Theirs; of time, only the expiry of sessions can be hurried."""

    patience_s = 0.6

    def __init__(self, program: str = "echo", **options) -> None:
        super().__init__(program, **options)
        offered = options.get("transports")
        all_transports = {"websocket", "xhr", "xhr_streaming", "eventsource", "htmlfile", "jsonp"}
        self._settings = {
            **{theirs: options[ours] for ours, theirs in _SETTINGS.items() if ours in options},
            "disabled_transports": list(all_transports - set(offered)) if offered else [],
        }

    def application(self) -> Application:
        self.router = self.build()
        return Application(self.router.urls)

    def build(self) -> SockJSRouter:
        return SockJSRouter(_connection_class(self), PREFIX, self._settings)

    def send(self, *texts: str) -> None:
        for text in texts:
            self.run(lambda text=text: self.sessions()[-1].conn.send(text))

    def end(self, code: CloseCode = CloseCode.GOING_AWAY) -> None:
        self.run(lambda: self.sessions()[-1].close(int(code), code.reason))

    def broadcast(self, *texts: str, after: Callable[[], object]) -> None:
        def act():
            after()
            with suppress(WebSocketClosedError):  # what leaves a broadcast ends it
                for text in texts:
                    self.router.broadcast(self.participants, text)

        self.run(act)

    def end_newest(self, code: CloseCode = CloseCode.GOING_AWAY) -> None:
        self.run(lambda: self.participants[-1].session.close(int(code), code.reason))

    def advance(self, seconds: float) -> None:
        def expire():
            with suppress(KeyError):  # what the sweep raises ends it, as in the loop's timer
                self.router._sessions.expire(time.time() + seconds)

        self.run(expire)

    def remove_first_session(self) -> None:
        self.run(lambda: self.router._sessions.remove(self.sessions()[0].session_id))


def _connection_class(service: Service) -> type[SockJSConnection]:
    class Program(SockJSConnection):
        def on_open(self, request):
            service.participants.append(self)
            if service.program == "refuse":
                raise HTTPError(403)
            if service.program == "close":
                self.close()

        def on_message(self, message):
            service.received.append(message)
            if service.program in ("echo", "stubborn"):
                self.send(message)
            elif service.program == "bye":
                self.send("bye")
                self.close()

        def on_close(self):
            service.closed.append(0)
            service.participants.remove(self)
            if service.program == "stubborn":
                self.close()

    return Program
