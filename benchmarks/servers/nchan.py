"""nginx with nchan: push in C, published to over HTTP."""

import shutil
from pathlib import Path

from .. import build
from ..places import BUILD, PROGRAMS
from ..process import Process
from ..redisserver import Redis
from .base import Address, Dialogue, Server, websocket_request
from .floor import MESSAGE

MODULE = "usr/lib/nginx/modules/ngx_nchan_module.so"


class Nchan(Server):
    """Its memory storage, without Redis and without authentication."""

    name = "nchan"
    versions = "Debian's nginx and libnginx-mod-nchan"

    def prepare(self) -> None:
        """Unpack the module, and nginx where none is installed."""
        _nginx()
        build.debian_package("libnginx-mod-nchan")

    def process(self, port: int, redis: Redis, core: int, *, compression: bool = False) -> Process:
        """Make its process."""
        folder = BUILD / "nginx"
        folder.mkdir(exist_ok=True)
        module = build.debian_package("libnginx-mod-nchan") / MODULE
        written = (PROGRAMS / "nchan.conf").read_text()
        conf = folder / "nginx.conf"
        conf.write_text(written.format(module=module, folder=folder, port=port))
        command: list[str | Path] = [_nginx(), "-p", folder, "-c", conf]
        return Process(self.name, command, core, port)

    def dialogue(self, transport: str) -> Dialogue | None:
        """Open a plain WebSocket."""
        if transport != "websocket":
            return None
        return Dialogue(websocket_request("/sub/%D"), "101 Switching")

    def to_all(self, body: int) -> Address:
        """Post to the channel of everyone."""
        return Address("news", MESSAGE, path="/pub/%s")

    def to_one(self, body: int) -> Address:
        """Post to the channel of a user."""
        return Address("user.%D", MESSAGE, path="/pub/%s")


def _nginx() -> str:
    installed = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    return installed or str(build.debian_package("nginx") / "usr/sbin/nginx")
