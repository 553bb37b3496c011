"""The servers that are measured, each in a module of its own."""

from .base import Server
from .floor import Floor
from .sockgate import Sockgate
from .socketio import SocketIo

ALL: tuple[Server, ...] = (Sockgate(), Floor(), SocketIo())
