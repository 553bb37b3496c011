"""The shortcut: a WebSocket that is asked for plainly needs nothing of Tornado.

Strategy: a browser's handshake arrives whole, in one packet, a moment after the connection. It is
looked at and left in the socket, so whoever is not let in at once, for whatever reason, goes
Tornado's way as if nobody had looked, to be read, waited for, answered or refused there. Who gets a
WebSocket is decided by the same ``Reception`` on both ways, and who has said nothing yet waits in
the same lobby; who says nothing for long is Tornado's too.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..lobby import Lobby
from .handshake import HandshakeRefused
from .link import SocketLink
from .reception import Reception
from .request import read_plain_get

PEEK_BYTES = 4096
SILENCE_S = 1.0
"""After so long, Tornado counts how long a connection says nothing."""

Onward = Callable[[socket.socket, Any], None]
"""Tornado's way: takes a socket and the address of its other side."""


class Shortcut:
    """Let in who asks plainly.

    Args:
        reception: decides.
        lobby: where those wait who have said nothing yet.
    """

    def __init__(self, reception: Reception, lobby: Lobby) -> None:
        self._reception = reception
        self._lobby = lobby
        self._poll = reception.shared.poll
        self._wheel = reception.shared.wheel
        self._silent: dict[_Guest, float] = {}

    def accept(self, sock: socket.socket, address: Any, onward: Onward) -> None:
        """Take a connection of plain TCP, without Nagle's delay, that was just accepted."""
        sock.setblocking(False)
        guest = _Guest(self, sock, address, onward)
        data = _peek(sock)
        if data is None:
            self._await(guest)
        else:
            self._serve(guest, data)

    def on_timer(self, now: float) -> None:
        """Let Tornado wait for those who have said nothing for long."""
        for guest, since in list(self._silent.items()):
            if now - since < SILENCE_S:
                self._wheel.schedule(self, SILENCE_S)
                return
            self._pass_on(guest)

    def pass_on_all(self) -> None:
        """Let Tornado wait for everybody who has said nothing yet."""
        for guest in list(self._silent):
            self._pass_on(guest)

    def heard(self, guest: "_Guest") -> None:
        """See what somebody has said who had said nothing yet."""
        data = _peek(guest.sock)
        if data is not None:
            self._lobby.leave(guest)
            del self._silent[guest]
            self._serve(guest, data)

    def show_out(self, guest: "_Guest") -> None:
        """Close a connection that has said nothing."""
        self._forget(guest)
        guest.sock.close()

    def _await(self, guest: "_Guest") -> None:
        self._lobby.enter(guest, guest.address[0], guest.show_out)
        self._poll.add(guest.sock.fileno(), guest.on_readable)
        if not self._silent:
            self._wheel.schedule(self, SILENCE_S)
        self._silent[guest] = self._wheel.clock()

    def _serve(self, guest: "_Guest", data: bytes) -> None:
        if not data:
            self.show_out(guest)
        elif not self._lets_in(guest, data):
            self._pass_on(guest)

    def _pass_on(self, guest: "_Guest") -> None:
        self._forget(guest)
        guest.onward(guest.sock, guest.address)

    def _forget(self, guest: "_Guest") -> None:
        self._lobby.leave(guest)
        self._silent.pop(guest, None)
        self._poll.remove(guest.sock.fileno())

    def _lets_in(self, guest: "_Guest", data: bytes) -> bool:
        """Open a WebSocket if this plainly asks for one that it may have."""
        reception = self._reception
        request = read_plain_get(data)
        dialect = request and reception.dialect_of(request)
        if request is None or dialect is None:
            return False
        client = reception.proxies.client_of(guest.address[0], "http", request.headers)
        try:
            websocket, response = reception.receive(request, dialect, client)
        except HandshakeRefused:
            return False
        with suppress(OSError):  # the link will notice
            guest.sock.recv(len(data))
        link = SocketLink(guest.sock, websocket, self._poll, reception.shared.max_outbox)
        websocket.attach(link, response)
        return True


class _Guest:
    """A connection that was accepted, and what becomes of it if it is not let in."""

    __slots__ = ("_shortcut", "address", "onward", "sock")

    def __init__(
        self, shortcut: Shortcut, sock: socket.socket, address: Any, onward: Onward
    ) -> None:
        self._shortcut = shortcut
        self.sock = sock
        self.address = address
        self.onward = onward

    def on_readable(self) -> None:
        self._shortcut.heard(self)

    def show_out(self) -> None:
        self._shortcut.show_out(self)


def _peek(sock: socket.socket) -> bytes | None:
    """Look at what has arrived: None when nothing has, empty when the other side has left."""
    try:
        return sock.recv(PEEK_BYTES, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""
