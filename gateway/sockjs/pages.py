"""What is no transport: the greeting, what the server can do, and where a WebSocket would be."""

from .handler import TEXT, Handler


class Greeting(Handler):
    """Say that SockJS lives here (SockJS protocol 0.3.3, BaseUrlGreeting)."""

    access_methods = "OPTIONS, GET"

    def get(self) -> None:
        """Greet."""
        self.set_header("Content-Type", TEXT)
        self.finish("Welcome to SockJS!\n")


class Info(Handler):
    """Say what is offered; the browser measures its way to us (InfoTest)."""

    access_methods = "OPTIONS, GET"

    def get(self) -> None:
        """Answer the first question of every browser."""
        self.preflight()
        self.disable_cache()
        self.finish(self.server.info())


class NoUpgrade(Handler):
    """Refuse what asks for a WebSocket and is none; the door takes those that are."""

    access_methods = "GET"

    def get(self, **_: str) -> None:
        """Refuse in the protocol's words (WebsocketHttpErrors)."""
        asks = self.request.headers.get("Upgrade", "").lower() == "websocket"
        refusal = (
            '"Connection" must be "Upgrade".' if asks else 'Can "Upgrade" only to "WebSocket".'
        )
        self.answer(400, refusal)

    def options(self, *_: str, **__: str) -> None:
        """Refuse: there is no CORS for WebSockets."""
        self.send_error(405)


class Missing(Handler):
    """Answer for every path that is not ours."""

    def prepare(self) -> None:
        """Refuse."""
        self.send_error(404)
