"""The gateway as a process of its own: ``python -m sockgate_gateway``."""

import os
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException

from ..conf.defaults.ports import HOST, free_port
from .child_process import ChildProcess

_OURS = ("SOCKGATE_", "DJANGO_SOCKGATE_")
_COMMAND = (sys.executable, "-m", "sockgate_gateway")


class GatewayProcess(ChildProcess):
    """One gateway on a port of its own.

    Args:
        variables: its ``SOCKGATE_`` variables, beside those of its ports.
        port: on which it serves.
    """

    def __init__(self, variables: Mapping[str, str], port: int) -> None:
        super().__init__("gateway", _COMMAND, self._answers)
        self.variables = dict(variables)
        self._port = port
        self._ops_port = free_port()

    def run(self) -> None:
        """Start it with its variables; see ``ChildProcess.start``."""
        self.start(self._environ())

    def _environ(self) -> dict[str, str]:
        others = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
        ports = {"SOCKGATE_PORT": str(self._port), "SOCKGATE_OPS_PORT": str(self._ops_port)}
        return {**others, **self.variables, **ports, "SOCKGATE_HOST": HOST}

    def _answers(self) -> bool:
        connection = HTTPConnection(HOST, self._ops_port, timeout=5)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
