"""How long a page waits for its first connection: ``python -m benchmarks.firstconnect``.

Strategy: each visit is a new profile of Chromium, so that nothing is cached and no connection is
open. The page is same-origin with the server, behind a relay that delays every byte, and the first
ones by a round trip more for the TCP handshake. Clients take turns, and the median counts. Then
comes a proxy that swallows WebSocket handshakes and holds streams back.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import median
from threading import Thread

from playwright.sync_api import Browser, Page, sync_playwright

from tests.chromium import FLAGS, program
from tests.integration.blockingproxy import BlockingProxy

from . import build
from .places import ROOT
from .servers.base import Running, Server
from .servers.centrifugo import Centrifugo
from .servers.socketio import SocketIo
from .servers.sockgate import Sockgate
from .stage import started

RUNS = 5
ROUND_TRIPS_MS = (0, 50, 100)
SOCKET_IO_CLIENT = "socket.io-client@4.8.4"
CENTRIFUGO_CLIENT = "centrifuge@5.8.0"
DIST = ROOT / "clientjs" / "dist"
LIMIT_MS = 120_000

SOCKGATE = """
([token, options]) => new Promise((resolve) => {
  const start = performance.now();
  const rt = Sockgate.connect({getToken: (answer) => answer(null, token), ...options});
  rt.on("state", (state) => state === "connected" && resolve(performance.now() - start));
})
"""
SOCKET_IO = """
() => new Promise((resolve) => {
  const start = performance.now();
  const socket = io({transports: ["websocket"]});
  socket.on("connect", () => resolve(performance.now() - start));
})
"""
CENTRIFUGO = """
() => new Promise((resolve) => {
  const start = performance.now();
  const client = new Centrifuge(`ws://${location.host}/connection/websocket`);
  client.on("connected", () => resolve(performance.now() - start));
  client.connect();
})
"""

Visit = Callable[[Page, int], float]
"""Loads a page of a port in a tab, and returns the ms until it was connected."""


class DelayingRelay:
    """Relay connections to a port, and delay each byte by half a round trip.

    Args:
        target: the port.
        round_trip_s: how long a request and its response take more.
    """

    def __init__(self, target: int, round_trip_s: float) -> None:
        self._target = target
        self._round_trip_s = round_trip_s
        self._loop = asyncio.new_event_loop()
        # In a thread, because Playwright runs a loop in this one.
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        starting = asyncio.start_server(self._relay, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close the port and all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _relay(self, near: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        far, requests = await asyncio.open_connection("127.0.0.1", self._target)
        with suppress(asyncio.CancelledError):
            await asyncio.gather(
                self._delay(near, requests, handshake_s=self._round_trip_s),
                self._delay(far, answers, handshake_s=0),
            )

    async def _delay(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, handshake_s: float
    ) -> None:
        opened_at = self._loop.time()
        with suppress(OSError):
            while data := await source.read(65536):
                sent_at = max(self._loop.time(), opened_at + handshake_s)
                self._loop.call_at(sent_at + self._round_trip_s / 2, sink.write, data)
        self._loop.call_at(self._loop.time() + self._round_trip_s / 2, sink.close)


def sockgate(token: str, **options: object) -> Visit:
    """Visit with our client."""
    return lambda tab, port: _visit(tab, port, DIST / "sockgate.js", SOCKGATE, token, options)


def socket_io() -> Visit:
    """Visit with Socket.IO's client, which checks nothing."""
    script = _modules() / "socket.io-client" / "dist" / "socket.io.min.js"
    return lambda tab, port: _visit(tab, port, script, SOCKET_IO)


def centrifugo() -> Visit:
    """Visit with Centrifugo's client, without a token."""
    script = _modules() / "centrifuge" / "dist" / "centrifuge.js"
    return lambda tab, port: _visit(tab, port, script, CENTRIFUGO)


def _modules() -> Path:
    packages = (*SocketIo.versions.split(), SOCKET_IO_CLIENT, CENTRIFUGO_CLIENT)
    return build.node_modules_with(*packages)


def _visit(tab: Page, port: int, script: Path, code: str, *given: object) -> float:
    body = f"<!DOCTYPE html><html><head><script>{script.read_text()}</script></head>"
    address = f"http://127.0.0.1:{port}/page"
    tab.route(address, lambda route: route.fulfill(body=body, content_type="text/html"))
    tab.goto(address)
    return float(tab.evaluate(code, list(given)))


@contextmanager
def _tab(chromium: Browser) -> Iterator[Page]:
    """Open a tab in a new profile."""
    context = chromium.new_context()
    context.set_default_timeout(LIMIT_MS)
    yield context.new_page()
    context.close()


def measure_delayed(chromium: Browser, visits: dict[str, tuple[Visit, int]], runs: int) -> None:
    """Print the medians for each round trip."""
    print("| client | " + " | ".join(f"{ms} ms" for ms in ROUND_TRIPS_MS) + " |")
    print("| --- |" + " --- |" * len(ROUND_TRIPS_MS))
    elapsed: dict[tuple[str, int], list[float]] = {}
    for _, ms in ((run, ms) for run in range(runs) for ms in ROUND_TRIPS_MS):
        for name, (visit, port) in visits.items():
            relay = DelayingRelay(port, ms / 1000)
            with _tab(chromium) as tab:
                elapsed.setdefault((name, ms), []).append(visit(tab, relay.port))
            relay.stop()
    for name in visits:
        print(
            f"| {name} | " + " | ".join(_spread(elapsed[name, ms]) for ms in ROUND_TRIPS_MS) + " |"
        )


def measure_blocked(chromium: Browser, visit: Visit, port: int, runs: int) -> None:
    """Print the medians of the first and the second page of a tab behind the blocking proxy."""
    first: list[float] = []
    second: list[float] = []
    for _ in range(runs):
        proxy = BlockingProxy(port)
        with _tab(chromium) as tab:
            first.append(visit(tab, proxy.port))
            second.append(visit(tab, proxy.port))
        proxy.stop()
    print(f"\nblocked: first page {_spread(first)}, second page {_spread(second)}")


def _spread(elapsed: list[float]) -> str:
    return f"{median(elapsed):.0f} ({min(elapsed):.0f} to {max(elapsed):.0f})"


def _start(stack: ExitStack, server: Server) -> Running:
    server.prepare()
    return stack.enter_context(started(server, users=1))


def main() -> None:
    """Measure both."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with ExitStack() as stack:
        ours = stack.enter_context(started(Sockgate(), users=1))
        assert ours.tokens is not None
        token = ours.tokens.read_text().split()[0]
        socket_ios = _start(stack, SocketIo())
        centrifugos = _start(stack, Centrifugo())
        playwright = stack.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(executable_path=program(), args=FLAGS)
        auto = sockgate(token)
        over_sockjs = sockgate(token, transport="sockjs", transports=["websocket"])
        visits = {
            "Socket.IO, websocket only": (socket_io(), socket_ios.port),
            "Centrifugo": (centrifugo(), centrifugos.port),
            "Sockgate": (auto, ours.port),
            "Sockgate over SockJS's WebSocket": (over_sockjs, ours.port),
        }
        measure_delayed(chromium, visits, runs)
        measure_blocked(chromium, auto, ours.port, runs)
        chromium.close()


if __name__ == "__main__":
    main()
