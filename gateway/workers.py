"""Processes: one worker in the foreground, or several that share a port.

Strategy: several workers bind the same port with SO_REUSEPORT, and the kernel spreads new
connections over them; what belongs to another worker is relayed (``relay.py``). The parent tries
the ports first, so that a port that is taken ends the start and not worker after worker. Then it
only watches: it starts a worker again when one dies, and passes SIGTERM and SIGINT on. Both
signals wait while it forks, so that none is lost on a worker that is not yet counted. Worker *n*
has its ops port *n* above the configured one.
"""

import asyncio
import itertools
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NoReturn

from .app import serve
from .config import Config
from .listeners import bind
from .relay import Siblings

log = logging.getLogger("gateway")

RESTART_DELAY_S = 1.0
_STOPPING = (signal.SIGTERM, signal.SIGINT)


def run(config: Config) -> int:
    """Serve until told to stop.

    Returns:
        The exit status: 1 when a port cannot be had.
    """
    if config.workers == 1:
        return _run_worker(config)
    configs = [_config_of(config, number) for number in range(config.workers)]
    if not all(_has_ports(worker_config) for worker_config in configs):
        return 1
    with TemporaryDirectory(prefix="sockgate-") as directory:
        return Supervisor(configs, Path(directory)).run()


def _config_of(config: Config, number: int) -> Config:
    return replace(config, ops_port=config.ops_port and config.ops_port + number)


def _run_worker(config: Config, siblings: Siblings | None = None) -> int:
    bound = _bind(config)
    if bound is None:
        return 1
    asyncio.run(serve(config, *bound, siblings))
    return 0


def _has_ports(config: Config) -> bool:
    bound = _bind(config)
    for sock in itertools.chain(*bound or ()):
        sock.close()
    return bound is not None


def _bind(config: Config) -> tuple[list[socket], list[socket]] | None:
    """Bind the ports, or say why they cannot be had."""
    try:
        return bind(config)
    except OSError as error:
        where = (
            f"{config.host}:{config.port}, or, for operations, {config.ops_host}:{config.ops_port}"
        )
        print(f"sockgate: cannot listen on {where}: {error.strerror}", file=sys.stderr)
        return None


class Supervisor:
    """The parent of several workers.

    Args:
        configs: one for each worker.
        directory: where their Unix sockets are.
    """

    def __init__(self, configs: Sequence[Config], directory: Path) -> None:
        self._configs = configs
        self._directory = directory
        self._numbers: dict[int, int] = {}
        self._is_stopping = False

    def run(self) -> int:
        """Keep all workers running until told to stop."""
        for signum in _STOPPING:
            signal.signal(signum, self._stop)
        for number in range(len(self._configs)):
            self._start(number)
        while self._numbers:
            pid, status = os.wait()
            self._ended(pid, os.waitstatus_to_exitcode(status))
        return 0

    def _start(self, number: int) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        try:
            if not self._is_stopping:
                self._fork(number)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)

    def _fork(self, number: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_worker(number)
        self._numbers[pid] = number

    def _become_worker(self, number: int) -> NoReturn:
        """Serve in a new process, which must not act as its parent does."""
        exit_code = 1
        try:
            for signum in _STOPPING:
                signal.signal(signum, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
            siblings = Siblings(number, len(self._configs), self._directory)
            exit_code = _run_worker(self._configs[number], siblings)
        except Exception:
            log.exception("event=worker_failed number=%d", number)
        finally:
            os._exit(exit_code)

    def _ended(self, pid: int, exit_code: int) -> None:
        number = self._numbers.pop(pid, None)
        if number is None or self._is_stopping:
            return
        log.error("event=worker_ended number=%d exit_code=%d", number, exit_code)
        time.sleep(RESTART_DELAY_S)
        self._start(number)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._is_stopping = True
        for pid in self._numbers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
