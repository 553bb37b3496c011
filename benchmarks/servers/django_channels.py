"""Django Channels with channels_redis."""

import subprocess
from functools import cache
from pathlib import Path

from ..interpreter import environment
from ..places import PROGRAMS
from .asgi import UVICORN, AsgiServer
from .base import Address, Dialogue, websocket_request
from .written import FILLER, template_of


class DjangoChannels(AsgiServer):
    """Channels with its Redis layer, without authentication."""

    name = "Channels"
    module = "django_channels"
    packages = ("channels==4.3.2", "channels-redis==4.3.0", "Django==5.2.19", *UVICORN)
    versions = " ".join(packages)

    def dialogue(self, transport: str) -> Dialogue | None:
        """Open a plain WebSocket."""
        if transport != "websocket":
            return None
        return Dialogue(websocket_request("/push/%D"), "welcome")

    def to_all(self, body: int) -> Address:
        """Send to the group of everyone."""
        return Address("asgi__group__news", self._template(body))

    def to_one(self, body: int) -> Address:
        """Send to the group of a user."""
        return Address("asgi__group__user.%D", self._template(body))

    @cache  # noqa: B019 - servers live as long as the program
    def _template(self, body: int) -> str:
        """Encode a publication with the layer itself."""
        python = environment("peers", *self.packages)
        command: list[str | Path] = [
            python,
            PROGRAMS / "django_channels.py",
            "message",
            FILLER * body,
        ]
        written = subprocess.check_output(command, text=True)
        return template_of(bytes.fromhex(written), body)
