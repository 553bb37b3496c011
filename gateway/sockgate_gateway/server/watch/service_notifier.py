"""The messages that systemd expects of a service with ``Type=notify``; see sd_notify(3)."""

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress


class ServiceNotifier:
    """Tell systemd how the service is; without ``NOTIFY_SOCKET``, do nothing.

    Args:
        environ: of the process. The variables are taken away, so that no child speaks for it.
    """

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        address = environ.pop("NOTIFY_SOCKET", "")
        watchdog_pid = environ.pop("WATCHDOG_PID", str(os.getpid()))
        has_watchdog = bool(environ.pop("WATCHDOG_USEC", "")) and watchdog_pid == str(os.getpid())
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._has_watchdog = has_watchdog
        self._is_ready = False
        self._status = ""

    def ready(self) -> None:
        """Say once that the service has started."""
        if not self._is_ready:
            self._is_ready = True
            self._send("READY=1")

    def alive(self) -> None:
        """Say that the service works, if systemd asked for that."""
        if self._has_watchdog:
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Describe the service, for ``systemctl status``, when the text has changed."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def stopping(self) -> None:
        """Say that the service stops."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto(text.encode(), self._address)
