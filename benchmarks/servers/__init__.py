"""The servers that are measured, each in a module of its own."""

from .base import Server
from .centrifuge import Centrifuge
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
    Centrifuge(),
    SockJsNode(),
    SockJsTornado(),
    PythonSocketIo(),
    DjangoChannels(),
)

NOT_RUN = {
    "Centrifugo": "it is no Go module that can be installed, and its binaries come from elsewhere; "
    "Centrifuge, the library that it is made of, is measured",
}
"""Servers that a user would pick, and why they are not measured."""
