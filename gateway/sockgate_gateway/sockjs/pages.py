"""Pages that are no transport: greeting, info, and the path of WebSockets."""

from ..http.request_head import asks_for_websocket
from .handler import TEXT, Handler


class Page(Handler):
    """A page for GET and HEAD."""

    access_methods = "OPTIONS, GET"

    def head(self, *args: str, **kwargs: str) -> None:
        """Answer as to a GET; Tornado omits the body."""
        self.get(*args, **kwargs)


class Greeting(Page):
    """The greeting (SockJS protocol 0.3.3, BaseUrlGreeting)."""

    def get(self) -> None:
        """Send the greeting."""
        self.set_header("Content-Type", TEXT)
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.finish("Welcome to SockJS!\n")


class Info(Page):
    """The transports on offer; the client also measures the round trip with it (InfoTest)."""

    def get(self) -> None:
        """Answer the first request of every SockJS client."""
        self.preflight()
        self.disable_cache()
        self.finish(self.server.info())


class NoUpgrade(Page):
    """Refuse requests to a WebSocket path that are no valid upgrade.

    ``websocket/upgrade.py`` handles the valid ones before they reach this handler.
    """

    access_methods = "GET"

    def get(self, **_: str) -> None:
        """Refuse with the texts of the SockJS protocol (WebsocketHttpErrors)."""
        asks = asks_for_websocket(self.request.headers)
        text = '"Connection" must be "Upgrade".' if asks else 'Can "Upgrade" only to "WebSocket".'
        self.answer(400, text)

    def options(self, *_: str, **__: str) -> None:
        """Answer 405: there is no CORS for WebSockets."""
        self.send_error(405)


class Missing(Handler):
    """Answer 404 to every unknown path."""

    def prepare(self) -> None:
        """Answer 404, and log it when a client with another prefix requests the path."""
        self.server.refusals.log_path(self.request.path, str(self.request.remote_ip))
        self.send_error(404)
