"""A Valkey of one test process, in memory alone, with a password."""

import os
import tempfile
from secrets import token_urlsafe

from redis import Redis, RedisError

from ..conf.defaults.embedded_valkey import find_program
from ..conf.defaults.ports import HOST, free_port
from .child_process import ChildProcess

_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
save ""
appendonly no
"""


class ValkeyProcess(ChildProcess):
    """One Valkey; raises as ``find_program``."""

    def __init__(self) -> None:
        super().__init__("Valkey", (find_program(), "-"), self._answers)
        self._password = token_urlsafe(24)
        self._port = free_port()

    @property
    def url(self) -> str:
        """Its address, with the password."""
        return f"redis://default:{self._password}@{HOST}:{self._port}/0"

    def run(self) -> None:
        """Start it; see ``ChildProcess.start``.

        Its configuration comes on its standard input, so that no other account sees the password.
        """
        text = _CONFIGURATION.format(
            host=HOST, port=self._port, password=self._password, folder=tempfile.gettempdir()
        )
        self.start(os.environ, text)

    def _answers(self) -> bool:
        try:
            with Redis(host=HOST, port=self._port, password=self._password, protocol=2) as client:
                return bool(client.ping())
        except RedisError:
            return False
