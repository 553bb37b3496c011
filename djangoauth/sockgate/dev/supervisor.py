"""The supervisor: a process beside ``runserver`` that runs the embedded Valkey and the gateway."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..conf.defaults.embedded_valkey import ValkeyMissing, command_of, lock, url_of
from ..conf.defaults.ports import HOST
from .plans import GatewayPlan, Plan, read_plan
from .programs import KeptProgram, Program, Write

OWNER_CHECK_S = 0.5
LOCK_CHECK_S = 0.5
RETRY_S = 10.0
VALKEY_START_S = 10.0
"""How long the gateway waits for the first start of Valkey."""

_PLAN_BYTES = 1024 * 1024

_Task = asyncio.Task[None]


class Servers:
    """Runs what the last plan contains.

    Args:
        write: writes one line for the developer.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._plan = Plan()
        self._valkey_is_ready = asyncio.Event()
        self._valkey: _Task | None = None
        self._gateway: _Task | None = None

    async def apply(self, plan: Plan) -> None:
        """Stop what is no longer wanted, and start what is new or has changed."""
        before, self._plan = self._plan, plan
        is_gateway_new = plan.gateway != before.gateway
        if is_gateway_new:
            await _end(self._gateway)
        if plan.valkey_folder != before.valkey_folder:
            await _end(self._valkey)
            folder = plan.valkey_folder
            self._valkey = _begin(self._run_valkey(Path(folder))) if folder else None
        if is_gateway_new:
            self._gateway = _begin(self._run_gateway(plan.gateway)) if plan.gateway else None

    async def stop(self) -> None:
        """Stop everything, the gateway first."""
        await self.apply(Plan())

    async def _run_valkey(self, folder: Path) -> None:
        """Run Valkey as soon as no other ``runserver`` of the project runs it."""
        while True:
            try:
                await self._run_valkey_if_unlocked(folder)
            except (OSError, ValkeyMissing) as error:
                self._write(f"[redis] cannot start: {error}")
                await asyncio.sleep(RETRY_S)
            await asyncio.sleep(LOCK_CHECK_S)

    async def _run_valkey_if_unlocked(self, folder: Path) -> None:
        with lock(folder) as descriptor:
            if descriptor is not None:
                program = valkey_program(folder, descriptor)
                await KeptProgram(program, self._write, self._valkey_is_ready).run()
        self._valkey_is_ready.set()

    async def _run_gateway(self, plan: GatewayPlan) -> None:
        if self._plan.valkey_folder:
            with suppress(TimeoutError):
                async with asyncio.timeout(VALKEY_START_S):
                    await self._valkey_is_ready.wait()
        await KeptProgram(gateway_program(plan), self._write, asyncio.Event()).run()


def _begin(work: Coroutine[Any, Any, None]) -> _Task:
    return asyncio.create_task(work)


async def _end(task: _Task | None) -> None:
    if task:
        task.cancel()
        await asyncio.wait([task])


def valkey_program(folder: Path, lock_descriptor: int) -> Program:
    """Return the program of the embedded Valkey; raises as ``find_program``."""
    return Program(
        name="redis",
        command=command_of(folder),
        host=HOST,
        port=urlsplit(url_of(folder)).port or 0,
        welcome=f"the embedded Valkey runs; its data is in {folder}",
        probe=b"PING\r\n",
        is_quiet=True,
        descriptors=(lock_descriptor,),
    )


def gateway_program(plan: GatewayPlan) -> Program:
    """Return the program of the gateway, with the variables of the plan and no others of ours."""
    others = {name: text for name, text in os.environ.items() if not name.startswith("SOCKGATE_")}
    host = f"[{plan.host}]" if ":" in plan.host else plan.host
    return Program(
        name="gateway",
        command=(sys.executable, "-m", "sockgate_gateway"),
        environ={**others, **plan.variables},
        host=plan.host,
        port=plan.port,
        welcome=f"ready at http://{host}:{plan.port}{plan.prefix}",
        probe=f"GET {plan.prefix}/info HTTP/1.1\r\nHost: {host}:{plan.port}\r\n\r\n".encode(),
    )


def write_line(line: str) -> None:
    """Write one line to the terminal of ``runserver``, which may be gone."""
    with suppress(OSError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


async def supervise(owner: int) -> None:
    """Run what the plans on standard input contain, until it or the owner ends.

    Args:
        owner: the id of the process that started this one.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    servers = Servers(write_line)
    tasks = [
        asyncio.create_task(_follow_plans(servers, ended)),
        asyncio.create_task(_follow_owner(owner, ended)),
    ]
    await ended.wait()
    for task in tasks:
        await _end(task)
    await servers.stop()


async def _follow_plans(servers: Servers, ended: asyncio.Event) -> None:
    try:
        reader = asyncio.StreamReader(limit=_PLAN_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin.buffer)
        while line := await reader.readline():
            await servers.apply(read_plan(line))
    finally:
        ended.set()


async def _follow_owner(owner: int, ended: asyncio.Event) -> None:
    """End with the owner: another process may still hold the other end of the pipe."""
    while os.getppid() == owner:
        await asyncio.sleep(OWNER_CHECK_S)
    ended.set()


def main(owner: int) -> None:
    """Run the supervisor."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # The owner ends, and so does the pipe.
    asyncio.run(supervise(owner))
