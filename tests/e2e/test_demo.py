"""The demo, started as people start it, and treated as people treat demos."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from redis import Redis
from websockets.sync.client import ClientConnection, connect

from tests.ports import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
RUN = ROOT / "examples/demo/run.py"
TIMEOUT_S = 60

pytestmark = pytest.mark.e2e


class Demo:
    """A running demo, and what it printed."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.django_port, self.gateway_port = free_port(), free_port()
        self.output = ""
        self._process = subprocess.Popen(
            [sys.executable, RUN],
            env=self._environ(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _environ(self, variables: dict[str, str]) -> dict[str, str]:
        ports = {"DEMO_PORT": str(self.django_port), "GATEWAY_PORT": str(self.gateway_port)}
        return {**os.environ, "TMPDIR": str(self.folder), **ports, **variables}

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.django_port}/"

    @property
    def redis(self) -> Redis:
        return Redis(port=int(re.search(r"redis-cli -p (\d+)", self.output).group(1)))

    def wait_for_line(self, text: str) -> None:
        """Read the output until a line holds the text, or to the end of the output."""
        for line in self._process.stdout:
            self.output += line
            if text in line:
                return
        pytest.fail(f"{text!r} was never printed, but:\n{self.output}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and give the exit status."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Read on to the end of the output, and give the exit status."""
        self.output += self._process.communicate(timeout=TIMEOUT_S)[0]
        return self._process.returncode

    def children(self) -> dict[str, int]:
        """Give the pids of the servers by a word of their command lines."""
        pids = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in pids}
        words = ("valkey-server", "runserver", "gateway")
        return {word: pid for pid, line in lines.items() for word in words if word in line}


@pytest.fixture
def demo(tmp_path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    demo.wait_for_line("Ctrl-C stops everything")
    yield demo
    demo.stop()


def log_in(demo: Demo, name: str) -> str:
    """Log in as a browser does, and give the token that the page holds."""
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    login = browser.open(f"{demo.page}login/").read().decode()
    fields = {
        "csrfmiddlewaretoken": re.search(r'csrfmiddlewaretoken" value="(\w+)', login).group(1),
        "username": name,
        "password": f"{name}-demo",
    }
    page = browser.open(f"{demo.page}login/", urlencode(fields).encode()).read().decode()
    config = re.search(r'data-sockgate="client"[^>]*>(.*?)</script>', page).group(1)
    return json.loads(config)["token"]


@contextmanager
def open_socket(demo: Demo, token: str) -> Iterator[ClientConnection]:
    """Connect by a raw WebSocket, as a program in any language would."""
    url = f"ws://127.0.0.1:{demo.gateway_port}/realtime/websocket"
    with connect(url, origin=demo.page.rstrip("/")) as websocket:
        websocket.send(json.dumps({"type": "connect", "token": token}))
        assert receive(websocket)["type"] == "connected"
        yield websocket


def receive(websocket: ClientConnection) -> dict[str, object]:
    return json.loads(websocket.recv(timeout=TIMEOUT_S))


def test_demo_pushes_a_publication_only_to_its_user(demo):
    news = {"event": "news", "data": {"title": "Djangocon 2012"}}
    with open_socket(demo, log_in(demo, "alice")) as alice:
        demo.redis.publish("rt:user:2", '{"event":"news","data":"for bob"}')
        demo.redis.publish("rt:user:1", json.dumps(news))
        assert receive(alice) == {"channel": "user:1", "data": news}


def test_demo_restarts_killed_processes_and_logs_it(demo):
    token = log_in(demo, "alice")
    for word, name in (("gateway", "gateway"), ("valkey-server", "Redis"), ("runserver", "Django")):
        os.kill(demo.children()[word], signal.SIGKILL)
        demo.wait_for_line(f"{name} died (SIGKILL)")
        demo.wait_for_line(f"{name} is back")
    # The login outlived all of it.
    with open_socket(demo, token) as alice:
        demo.redis.publish("rt:broadcast", '"hello again"')
        assert receive(alice) == {"channel": "broadcast", "data": "hello again"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_stops_without_leftovers(demo, number):
    pids = demo.children().values()
    assert demo.stop(number) == 0
    assert list(demo.folder.iterdir()) == []
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert "Traceback" not in demo.output


def test_servers_end_when_the_demo_is_killed(demo):
    pids = set(demo.children().values())
    assert len(pids) == 3
    demo.stop(signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, pids)), lambda: "a server outlived the demo")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_demo_names_a_port_in_use_and_starts_no_process(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        demo = Demo(tmp_path, GATEWAY_PORT=str(port))
        assert demo.wait() == 1
    assert re.fullmatch(
        rf"Port {port} is taken. Choose another: GATEWAY_PORT=\d+ make demo\n", demo.output
    )
    assert list(tmp_path.iterdir()) == []


def test_demo_uses_a_given_redis(tmp_path, redis_server):
    demo = Demo(tmp_path, SOCKGATE_REDIS_URL=redis_server.connection_url)
    demo.wait_for_line("Ctrl-C stops everything")
    try:
        assert "valkey-server" not in demo.children()
        with open_socket(demo, log_in(demo, "bob")) as bob:
            Redis.from_url(redis_server.connection_url).publish("rt:user:2", "7")
            assert receive(bob) == {"channel": "user:2", "data": 7}
    finally:
        demo.stop()
