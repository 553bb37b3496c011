"""Processes: one worker in the foreground, or several that share a port.

Strategy: several workers bind the same port with SO_REUSEPORT, and the kernel spreads new
connections over them. The parent only watches: it starts a worker again when one dies, and
passes SIGTERM and SIGINT on. Worker *n* has its ops port *n* above the configured one.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from dataclasses import replace
from types import FrameType

from .app import bind, serve
from .config import Config

log = logging.getLogger("gateway")

RESTART_DELAY_S = 1.0


def run(config: Config) -> int:
    """Serve until told to stop.

    Returns:
        The exit status: 1 when a port cannot be had.
    """
    if config.workers == 1:
        return _run_worker(config)
    return Supervisor(config).run()


def _run_worker(config: Config) -> int:
    try:
        sockets, ops_sockets = bind(config)
    except OSError as error:
        where = f"{config.host}:{config.port} (ops port {config.ops_port})"
        print(f"sockgate: cannot listen on {where}: {error.strerror}", file=sys.stderr)
        return 1
    asyncio.run(serve(config, sockets, ops_sockets))
    return 0


class Supervisor:
    """The parent of several workers."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._numbers: dict[int, int] = {}
        self._is_stopping = False

    def run(self) -> int:
        """Keep all workers running until told to stop."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)
        for number in range(self._config.workers):
            self._start(number)
        while self._numbers:
            pid, status = os.wait()
            self._ended(pid, os.waitstatus_to_exitcode(status))
        return 0

    def _start(self, number: int) -> None:
        pid = os.fork()
        if pid == 0:
            os._exit(self._become_worker(number))
        self._numbers[pid] = number

    def _become_worker(self, number: int) -> int:
        ops_port = self._config.ops_port and self._config.ops_port + number
        return _run_worker(replace(self._config, ops_port=ops_port))

    def _ended(self, pid: int, exit_code: int) -> None:
        number = self._numbers.pop(pid, None)
        if number is None or self._is_stopping:
            return
        log.error("event=worker_ended number=%d exit_code=%d", number, exit_code)
        time.sleep(RESTART_DELAY_S)
        if not self._is_stopping:
            self._start(number)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._is_stopping = True
        for pid in self._numbers:
            os.kill(pid, signal.SIGTERM)
