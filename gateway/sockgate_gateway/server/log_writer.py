"""Writing log lines to a file descriptor without ever waiting for it.

Strategy: a pipe that nobody reads, a disk that hangs or a stopped terminal would stop the event
loop at the next line. So a thread of each process writes, and the loop only queues. The queue is
bounded: what does not fit is dropped and counted, as is what the system refuses (a full disk, a
closed pipe). Once lines flow again, one line says how many are missing. Lines of several processes
share one pipe, so a write has at most ``PIPE_BUF`` bytes, which the kernel does not interleave.

A thread does not survive a fork, and no process should fork beside one. So the thread ends before a
fork where it can, and begins with the next line.
"""

import logging
import os
import select
import sys
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

PIPE_BUF = 4096
MAX_QUEUED_BYTES = 2**20
LAST_WORDS_S = 1.0
"""A process that ends waits for its last lines while a reader takes some of them in this time."""
_PAUSE_S = 0.1

DROPPED = "event=log_lines_dropped lines=%d hint=%r"
HINT = "whatever reads standard error was too slow or has stopped, or its disk is full"

log = logging.getLogger("sockgate")


class LineHandler(logging.Handler):
    """Write each record as a line, from a thread.

    Args:
        fd: receives the lines.
        limit_bytes: the most that may wait.

    ``dropped``: how many lines are missing.
    """

    def __init__(self, fd: int, limit_bytes: int = MAX_QUEUED_BYTES) -> None:
        super().__init__()
        self._fd = fd
        self._limit_bytes = limit_bytes
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._thread: Thread | None = None
        self._is_pausing = False
        self._queued_bytes = self._done_bytes = 0
        self._failed = self._refused = self._stated = 0

    @property
    def dropped(self) -> int:
        """How many lines of this process are missing."""
        return self._refused + self._failed

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record, or drop it."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 -- logging reports it
            self.handleError(record)
            return
        self.write(text)

    def write(self, text: str) -> None:
        """Queue a line, or drop it."""
        line = text.encode(errors="backslashreplace") + b"\n"
        # Each of the two numbers has one writer, so that no lock is needed.
        if self._queued_bytes - self._done_bytes > self._limit_bytes or not self._has_thread():
            self._refused += 1
            return
        self._queued_bytes += len(line)
        self._lines.put(line)

    def flush(self, patience_s: float = LAST_WORDS_S) -> None:
        """Wait until all is written, for as long as some is written in each such time."""
        done, until = self._done_bytes, monotonic() + patience_s
        while self._done_bytes < self._queued_bytes and monotonic() < until:
            if self._thread is None or not self._thread.is_alive():
                return
            self._thread.join(0.005)
            if self._done_bytes != done:
                done, until = self._done_bytes, monotonic() + patience_s

    def pause(self) -> None:
        """End the thread, unless it waits for a reader."""
        if self._thread is not None:
            self._is_pausing = True
            self._lines.put(b"")
            self._thread.join(_PAUSE_S)
            self._is_pausing = False
            if not self._thread.is_alive():
                self._thread = None

    def forget(self) -> None:
        """Begin anew in a forked process: the lines that wait are the parent's."""
        self._lines, self._thread, self._is_pausing = SimpleQueue(), None, False
        self._queued_bytes = self._done_bytes = 0
        self._failed = self._refused = self._stated = 0

    def _has_thread(self) -> bool:
        if self._thread is not None:
            return True
        thread = Thread(target=self._run, name="sockgate-log", daemon=True)
        with suppress(RuntimeError):  # The system has no thread left, or the process ends.
            thread.start()
            self._thread = thread
        return self._thread is not None

    def _run(self) -> None:
        line = b""
        while line or not (self._is_pausing and self._lines.empty()):
            line = line or self._lines.get()
            if line:
                line = self._write_batch(line)

    def _write_batch(self, line: bytes) -> bytes:
        """Write a line, with as many of the next ones as fit; return the first that does not."""
        batch, size, following = [line], len(line), b""
        with suppress(Empty):
            while following := self._lines.get_nowait():
                size += len(following)
                if size > PIPE_BUF:
                    break
                batch.append(following)
                following = b""
        if not self._write(b"".join(batch)):
            self._failed += len(batch)
        self._done_bytes += sum(map(len, batch))
        if self._lines.empty():
            self._state_dropped()
        return following

    def _write(self, data: bytes) -> bool:
        left = memoryview(data)
        try:
            while left:
                with suppress(BlockingIOError):  # Another process made it non-blocking.
                    left = left[os.write(self._fd, left) :]
                    continue
                select.select([], [self._fd], [])
        except OSError:
            return False
        return True

    def _state_dropped(self) -> None:
        """Write how many lines are missing, when there are more than at the last time."""
        dropped = self.dropped
        if dropped == self._stated:
            return
        record = log.makeRecord(
            log.name, logging.WARNING, __file__, 0, DROPPED, (dropped - self._stated, HINT), None
        )
        if self._write(self.format(record).encode(errors="backslashreplace") + b"\n"):
            self._stated = dropped


def handlers() -> list[LineHandler]:
    """Return those of this process."""
    return [one for one in logging.getLogger().handlers if isinstance(one, LineHandler)]


def dropped_lines() -> int:
    """Return how many lines of this process are missing in the log."""
    return sum(handler.dropped for handler in handlers())


def say(text: str) -> None:
    """Write a message for the one who has started the process, as it is."""
    for handler in handlers():
        handler.write(text)
    if not handlers():
        print(text, file=sys.stderr)


def flush(patience_s: float = LAST_WORDS_S) -> None:
    """Wait until the last lines are written, where somebody reads them."""
    for handler in handlers():
        handler.flush(patience_s)


def _pause() -> None:
    for handler in handlers():
        handler.pause()


def _forget() -> None:
    for handler in handlers():
        handler.forget()


os.register_at_fork(before=_pause, after_in_child=_forget)
