"""The servers that are measured, each in a module of its own."""

from .base import Server
from .django_channels import DjangoChannels
from .floor import Floor
from .nchan import Nchan
from .python_socketio import PythonSocketIo
from .socketio import SocketIo
from .sockgate import Sockgate
from .sockjs_node import SockJsNode
from .sockjs_tornado import SockJsTornado

ALL: tuple[Server, ...] = (
    Floor(),
    Sockgate(),
    SocketIo(),
    Nchan(),
    SockJsNode(),
    SockJsTornado(),
    PythonSocketIo(),
    DjangoChannels(),
)

NOT_RUN = {
    "Centrifugo": "it cannot be installed as a Go module where this was made, "
    "and its binaries come from elsewhere",
}
"""Servers that a user would pick, and why they are not measured."""
