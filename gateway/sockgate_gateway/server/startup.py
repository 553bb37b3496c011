"""The start of the gateway: one worker in the foreground, or several under a supervisor.

Strategy: several workers bind the same port with SO_REUSEPORT, and the kernel spreads new
connections over them. A request that belongs to another worker is relayed (``http/relay.py``). The
parent binds the ports first, so that a port in use ends the start instead of each worker. Then it
only supervises (``supervisor.py``). The ops port of worker *n* is *n* above the configured one. One
more child answers for all workers together (``watch/host_ops.py``).

Modules beside it: ``worker_process.py`` is one worker as a process, with its signals;
``forked_workers.py`` forks such processes; ``supervisor.py`` decides when.
"""

import asyncio
import itertools
import logging
import signal
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from time import monotonic

from ..config.checks import find_problems
from ..config.config import Config
from ..http.relay import Siblings
from ..loop.descriptors import MIN_DESCRIPTORS, Capacity, raise_soft_limit
from .forked_workers import ForkedWorkers, cpu_of
from .listeners import bind, bind_supervisor, supervisor_port
from .log_writer import say
from .socket_folder import find_folder, folders
from .supervisor import Supervisor
from .watch.host_ops import serve_host
from .watch.reports import HOST_OPS
from .watch.service_notifier import ServiceNotifier
from .watch.silence import SilenceWatch
from .worker_process import Parent, serve

log = logging.getLogger("sockgate")


def run(config: Config) -> int:
    """Serve until a signal stops the gateway.

    Returns:
        The exit status: 1 when a port is in use, file descriptors are too few, or a worker ends
        too often.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it is handled
    limit = raise_soft_limit()
    if limit < MIN_DESCRIPTORS:
        say(
            f"sockgate: {limit} file descriptors are too few, {MIN_DESCRIPTORS} are needed: "
            "raise LimitNOFILE= or ulimit -n"
        )
        return 1
    config = _limit_connections(config, limit)
    _log_missing_origins(config)
    if config.workers == 1:
        return _run_worker(config)
    configs = [_config_of(config, number) for number in range(config.workers)]
    if not all(_has_ports(worker_config) for worker_config in configs):
        return 1
    try:
        host_sockets = bind_supervisor(config)
    except OSError as error:
        if config.supervisor_port is not None:
            say(_cannot_listen(config.ops_host, config.supervisor_port, error))
            return 1
        log.warning(
            "event=no_host_port port=%d cause=%r hint='set SOCKGATE_SUPERVISOR_PORT to a free "
            "port: there is no /ready and /metrics of all workers together'",
            supervisor_port(config),
            error.strerror,
        )
        host_sockets = []
    folder = find_folder()
    if folder is None:
        say(
            f"sockgate: {config.workers} workers need a folder for their Unix sockets, and none of "
            f"{', '.join(map(str, folders()))} is writable: set RuntimeDirectory=sockgate in the "
            "systemd unit, or mount a tmpfs at /tmp"
        )
        return 1
    with TemporaryDirectory(
        prefix="sockgate-", dir=folder, ignore_cleanup_errors=True
    ) as directory:
        return _supervise(config, configs, Path(directory), host_sockets)


def _supervise(
    config: Config, configs: Sequence[Config], directory: Path, host_sockets: list[socket]
) -> int:
    def run_child(number: int, parent: Parent) -> int:
        if number == HOST_OPS:
            asyncio.run(serve_host(host_sockets, parent))
            return 0
        for sock in host_sockets:
            sock.close()
        siblings = Siblings(number, len(configs), directory)
        return _run_worker(configs[number], siblings, parent)

    return Supervisor(
        ForkedWorkers(run_child),
        count=len(configs),
        find_problems=partial(find_problems, config),
        clock=monotonic,
        drain_timeout_s=config.drain_delay + config.drain_timeout,
        watch=SilenceWatch(config.hang_timeout, cpu_of),
        notifier=ServiceNotifier(),
        has_host_ops=bool(host_sockets),
    ).run()


def _limit_connections(config: Config, limit: int) -> Config:
    """Reduce the limits of connections to the limit of file descriptors."""
    wanted = Capacity(config.max_connections, config.max_unauthenticated)
    effective = wanted.within(limit)
    _log_reduced("SOCKGATE_MAX_CONNECTIONS", wanted.connections, effective.connections, limit)
    _log_reduced(
        "SOCKGATE_MAX_UNAUTHENTICATED", wanted.unauthenticated, effective.unauthenticated, limit
    )
    return replace(
        config, max_connections=effective.connections, max_unauthenticated=effective.unauthenticated
    )


def _log_reduced(setting: str, configured: int, effective: int, limit: int) -> None:
    if effective < configured:
        log.warning(
            "event=limit_reduced setting=%s configured=%d effective=%d file_descriptors=%d "
            "hint='raise LimitNOFILE= or ulimit -n'",
            setting,
            configured,
            effective,
            limit,
        )


def _log_missing_origins(config: Config) -> None:
    if not config.origins:
        log.warning(
            "event=no_origins hint='SOCKGATE_ORIGINS is not set: only pages under the host of the "
            "gateway itself may connect. Set it to the origin of the site, such as "
            "https://www.example.com'"
        )


def _config_of(config: Config, number: int) -> Config:
    return replace(config, ops_port=config.ops_port and config.ops_port + number)


def _run_worker(
    config: Config, siblings: Siblings | None = None, parent: Parent | None = None
) -> int:
    bound = _bind(config)
    if bound is None:
        return 1
    asyncio.run(serve(config, *bound, siblings, parent))
    return 0


def _has_ports(config: Config) -> bool:
    bound = _bind(config)
    for sock in itertools.chain(*bound or ()):
        sock.close()
    return bound is not None


def _bind(config: Config) -> tuple[list[socket], list[socket]] | None:
    """Bind the ports, or print why that is impossible."""
    try:
        return bind(config)
    except OSError as error:
        where = f"{config.port}, or, for operations, {config.ops_host}:{config.ops_port}"
        say(_cannot_listen(config.host, where, error))
        return None


def _cannot_listen(host: str, where: str | int, error: OSError) -> str:
    return f"sockgate: cannot listen on {host}:{where}: {error.strerror}"
