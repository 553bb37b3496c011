"""One worker as a process: its signals, its supervisor, its start and its end.

SIGTERM drains. A process without a supervisor also drains on SIGINT. A second SIGTERM or SIGINT, or
SIGQUIT, cuts the drain short. A worker of a supervisor ignores SIGINT, and a second SIGTERM changes
nothing: a terminal or an init system may signal the whole process group as well. SIGHUP never ends
a process without a drain.
"""

import asyncio
import ctypes
import faulthandler
import gc
import logging
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from socket import socket

from ..config.config import Config
from ..http.relay import Siblings
from ..loop.background import cancel_tasks
from .watch.reports import REPORT_S, Channel, WorkerReport
from .watch.self_watch import SelfWatch
from .watch.service_notifier import ServiceNotifier
from .worker import Worker

log = logging.getLogger("sockgate")

READY = signal.SIGRTMIN if sys.platform == "linux" else signal.SIGUSR1
"""Sent to the supervisor by a worker that is ready.

Real-time signals never merge into one. Other systems have none, and run one worker."""

SHOW_STACKS = signal.SIGUSR2
"""Makes a worker write the stacks of its threads to standard error, also while it hangs."""

WORKER_SIGNALS = frozenset({signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP})
"""A supervisor blocks these before it forks. The worker unblocks them when its handlers are set."""

_PR_SET_PDEATHSIG = 1
_PARENT_CHECK_S = 1.0
_READY_CHECK_S = 0.05


@dataclass(frozen=True, slots=True)
class Parent:
    """The supervisor of this process.

    Args:
        pid: its process id, taken before the fork.
        channel: takes reports to it.
    """

    pid: int
    channel: Channel

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return os.getppid() == self.pid

    def end_with_it(self) -> None:
        """Make the kernel send SIGTERM to this process when the parent ends; see prctl(2)."""
        if sys.platform == "linux":
            with suppress(OSError, AttributeError):
                ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if not self.is_alive:  # it ended before the call
            os._exit(1)

    def notify(self, signum: int) -> None:
        """Send it a signal."""
        if self.is_alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signum)


async def serve(
    config: Config,
    sockets: list[socket],
    ops_sockets: list[socket],
    siblings: Siblings | None = None,
    parent: Parent | None = None,
) -> None:
    """Run one worker until a signal stops it, or its parent ends."""
    tune_collector()
    faulthandler.register(SHOW_STACKS, all_threads=True)
    worker = Worker(config, siblings)
    stopping = asyncio.Event()
    _handle_signals(worker, stopping, parent)
    if parent:
        number = siblings.number if siblings else 0
        works = {
            "parent": _stop_when_orphaned(parent, stopping),
            "report": _report(parent, number, worker),
            "report_ready": _report_ready(parent, number, worker),
        }
    else:
        works = {"alive": _stay_alive(config, worker, stopping)}
    watch_tasks = [asyncio.create_task(work, name=name) for name, work in works.items()]
    await worker.guard.compare()
    worker.start(sockets, ops_sockets)
    log.info("event=started port=%d worker=%s", sockets[0].getsockname()[1], worker.id)
    await stopping.wait()
    if parent and not parent.is_alive:
        log.error("event=supervisor_ended worker=%s pid=%d", worker.id, parent.pid)
    log.info("event=stopping worker=%s", worker.id)
    await worker.stop()
    await cancel_tasks(watch_tasks)


def _handle_signals(worker: Worker, stopping: asyncio.Event, parent: Parent | None) -> None:
    loop = asyncio.get_running_loop()

    def drain_or_stop() -> None:
        if stopping.is_set():
            worker.cut_drain_short()
        stopping.set()

    def stop_now() -> None:
        worker.cut_drain_short()
        stopping.set()

    loop.add_signal_handler(signal.SIGHUP, _log_hangup, parent)
    loop.add_signal_handler(signal.SIGQUIT, stop_now)
    if parent is None:
        loop.add_signal_handler(signal.SIGTERM, drain_or_stop)
        loop.add_signal_handler(signal.SIGINT, drain_or_stop)
    else:
        loop.add_signal_handler(signal.SIGTERM, stopping.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WORKER_SIGNALS)


def _log_hangup(parent: Parent | None) -> None:
    if parent is None:
        hint = "one worker cannot be replaced without a gap; restart the service with SIGTERM"
    else:
        hint = f"send SIGHUP to the supervisor, process {parent.pid}"
    log.warning("event=hangup_ignored hint=%r", hint)


async def _stop_when_orphaned(parent: Parent, stopping: asyncio.Event) -> None:
    """Stop when the parent has ended: without prctl(2) an orphan would keep the port."""
    while parent.is_alive:
        await asyncio.sleep(_PARENT_CHECK_S)
    stopping.set()


async def _report_ready(parent: Parent, number: int, worker: Worker) -> None:
    """Tell the supervisor at once; the report goes first, so that it is there with the signal."""
    while not worker.is_ready:
        await asyncio.sleep(_READY_CHECK_S)
    _send_report(parent, number, worker)
    parent.notify(READY)


async def _report(parent: Parent, number: int, worker: Worker) -> None:
    """Report to the supervisor once a second: the heartbeat of this event loop."""
    while True:
        _send_report(parent, number, worker)
        await asyncio.sleep(REPORT_S)


def _send_report(parent: Parent, number: int, worker: Worker) -> None:
    reasons, notes = worker.health.reasons, worker.health.notes
    readings = worker.metrics.read()
    parent.channel.send(WorkerReport(number, os.getpid(), not reasons, reasons, notes, readings))


async def _stay_alive(config: Config, worker: Worker, stopping: asyncio.Event) -> None:
    """Tell systemd about a worker without a supervisor, and a thread that ends it if it hangs."""
    notifier, watch = ServiceNotifier(), SelfWatch(config.hang_timeout)
    watch.start()
    try:
        while not stopping.is_set():
            watch.beat()
            notifier.alive()
            if worker.is_started:
                notifier.ready()
            notifier.status("ready" if worker.is_ready else "; ".join(worker.health.reasons))
            await asyncio.sleep(REPORT_S)
        notifier.stopping()
        while True:  # until the drain is over
            watch.beat()
            notifier.alive()
            await asyncio.sleep(REPORT_S)
    finally:
        watch.stop()


def tune_collector() -> None:
    """Run the cyclic garbage collector rarely, and never over permanent objects.

    Connections are long-lived. A closed one is freed by reference count, because it leaves no cycle
    (``tests/integration/test_memory.py``, with the collector off). At the default thresholds the
    collector visits all connections repeatedly while they connect. That doubles the cost of a
    connect at 8,000 connections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
