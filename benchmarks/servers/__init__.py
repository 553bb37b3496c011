"""The measured servers, one in each module."""

from .base import Server
from .centrifugo import Centrifugo
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
    Centrifugo(),
    SockJsNode(),
    SockJsTornado(),
    PythonSocketIo(),
    DjangoChannels(),
)
