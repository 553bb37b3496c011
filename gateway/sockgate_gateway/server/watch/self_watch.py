"""A worker without a supervisor ends itself when its event loop hangs, so that it is restarted.

A thread counts the seconds without a sign of the event loop. It counts its own rounds, not the
clock: after a suspend nobody is judged. It cannot see a process that is stopped as a whole; systemd
does, with ``WatchdogSec=``. Whatever started the gateway starts it again: systemd, a container.
"""

import logging
import os
import sys
from threading import Event, Thread
from threading import enumerate as enumerate_threads
from traceback import format_stack

from .. import log_writer
from .reports import REPORT_S
from .silence import SilenceWatch

log = logging.getLogger("sockgate")

EXIT_STATUS = 1
_NUMBER = 0


class SelfWatch:
    """Watch the event loop of this process.

    Args:
        limit_s: how long it may be silent; 0: forever.
    """

    def __init__(self, limit_s: float) -> None:
        self._silence = SilenceWatch(limit_s, lambda pid: sum(os.times()[:2]))
        self._has_limit = limit_s > 0
        self._has_beaten = Event()
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="sockgate-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        if self._has_limit:
            self._thread.start()

    def beat(self) -> None:
        """Give a sign of the event loop."""
        self._has_beaten.set()

    def stop(self) -> None:
        """Watch no more."""
        self._is_over.set()

    def _run(self) -> None:
        self._silence.note_report(_NUMBER, os.getpid())
        while not self._is_over.wait(REPORT_S):
            if self._has_beaten.is_set():
                self._has_beaten.clear()
                self._silence.note_report(_NUMBER, os.getpid())
            else:
                self._silence.pass_time(REPORT_S)
            verdict = self._silence.verdict(_NUMBER)
            if verdict:
                _end(verdict)


def _end(verdict: str) -> None:
    log.error("event=worker_hung number=%d pid=%d cause=%r", _NUMBER, os.getpid(), verdict)
    # Not by faulthandler: it would wait, and hold the interpreter, where nobody reads the log.
    log.error("event=worker_stacks stacks=%s", _stacks())
    log_writer.flush()
    os._exit(EXIT_STATUS)


def _stacks() -> str:
    names = {thread.ident: thread.name for thread in enumerate_threads()}
    return "".join(
        "".join((f"\nThread {names.get(ident, ident)}:\n", *format_stack(frame)))
        for ident, frame in sys._current_frames().items()
    )
