"""The process that answers for the host: ``/ready``, ``/metrics`` and ``/health`` of all workers.

It is a child of the supervisor, so that nothing from outside reaches the supervisor, and that a
supervisor that hangs is noticed too. The supervisor passes on the reports of its workers.
"""

import asyncio
import os
import signal
from collections.abc import Iterable
from socket import socket
from time import monotonic

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from tornado.web import Application

from ..listeners import OperationsListener
from ..metrics.processes import process_values
from ..ops import Answer, log_request
from ..worker_process import WORKER_SIGNALS, Parent
from .host_state import HostState
from .reports import HOST_OPS, REPORT_S, WorkerReport, read_report


class _HostCollector(Collector):
    def __init__(self, state: HostState) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        return self._state.metrics()


class _HostAnswer(Answer):
    def initialize(self, state: HostState, registry: CollectorRegistry) -> None:
        self._state = state
        self._registry = registry


class _Health(_HostAnswer):
    def get(self) -> None:
        if not self._state.is_watched:
            self.set_status(503)
        self.finish("ok\n" if self._state.is_watched else "the supervisor is silent\n")


class _Ready(_HostAnswer):
    def get(self) -> None:
        readiness = self._state.readiness()
        if not readiness.is_ready:
            self.set_status(503)
        self.finish_json(readiness.is_ready, readiness.reasons, readiness.notes)


class _Metrics(_HostAnswer):
    def get(self) -> None:
        self.finish_metrics(self._registry)


def host_application(state: HostState) -> Application:
    """Build the application of the host's port."""
    registry = CollectorRegistry()
    registry.register(_HostCollector(state))
    shared = {"state": state, "registry": registry}
    return Application(
        [
            (r"/health", _Health, shared),
            (r"/ready", _Ready, shared),
            (r"/metrics", _Metrics, shared),
        ],
        log_function=log_request,
    )


async def serve_host(sockets: list[socket], parent: Parent) -> None:
    """Answer for the host until a signal stops the process, or the supervisor ends."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGQUIT):
        loop.add_signal_handler(signum, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WORKER_SIGNALS)
    state = HostState(monotonic, process_values)
    loop.add_reader(parent.channel.fileno(), _receive, state, parent)
    listener = OperationsListener()
    listener.serve(host_application(state), sockets)
    reporting = asyncio.create_task(_report(parent, stopping), name="report")
    await stopping.wait()
    reporting.cancel()
    loop.remove_reader(parent.channel.fileno())
    await listener.close()


def _receive(state: HostState, parent: Parent) -> None:
    for raw in parent.channel.receive():
        report = read_report(raw)
        if report is not None:
            state.receive(report)


async def _report(parent: Parent, stopping: asyncio.Event) -> None:
    while parent.is_alive:
        parent.channel.send(WorkerReport(HOST_OPS, os.getpid(), True, [], [], {}))
        await asyncio.sleep(REPORT_S)
    stopping.set()
