"""Django under gunicorn and two hosts of two workers behind the documented nginx."""

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from tests.drills.disks import may_mount, small_disk
from tests.drills.stores import NAME, Store
from tests.e2e import balancers
from tests.e2e.servers import Server, answers
from tests.e2e.stack import ACCOUNTS, DEMO, ROOT
from tests.integration.gatewayprocess import children, is_host_child
from tests.ports import HOST, free_port

WORKERS = 2
LOG_DISK = "16m"


class Host:
    """One host: a supervisor and its workers.

    Args:
        name: in the table.
        folder: takes its log and its file of names.
        variables: of its gateway, without ports.
    """

    def __init__(self, name: str, folder: Path, variables: dict[str, str]) -> None:
        folder.mkdir()
        self.name = name
        self.port, self.host_port = free_port(), free_port(1 + WORKERS)
        self.log = folder / "disk" / "log"
        self.names = folder / "hosts"
        self.names.write_text(f"127.0.0.1 localhost\n{HOST} {NAME}\n")
        self._clock = folder / "clock"
        self.set_clock(0.0)
        self.variables = {
            **variables,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(DEMO))),
            "SOCKGATE_HOST": HOST,
            "SOCKGATE_PORT": str(self.port),
            "SOCKGATE_OPS_PORT": str(self.host_port + 1),
            "SOCKGATE_WORKERS": str(WORKERS),
        }
        self.launcher = self._with_own_names() if may_mount() else []

    def _with_own_names(self, more: str = "") -> list[str]:
        script = f'mount --bind "$0" /etc/hosts{more} && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, str(self.names)]

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.drills.stepped_clock", str(self._clock)]
        self.server = Server([*self.launcher, *command], self.variables, self.log, self.is_ready)
        self.server.start()

    def stop(self) -> None:
        self.server.stop()

    def end(self) -> None:
        """Kill everything, as a power cut does."""
        processes = [self.supervisor, *children(self.supervisor)]
        for pid in processes:
            os.kill(pid, signal.SIGKILL)
        self.server.kill()

    @property
    def supervisor(self) -> int:
        return self.server.pid

    @property
    def workers(self) -> list[int]:
        return [child for child in children(self.supervisor) if not is_host_child(child)]

    def is_ready(self) -> bool:
        return answers(self.host_port, "/ready")

    def set_clock(self, offset_s: float) -> None:
        """Set how far its clock is ahead."""
        self._clock.touch()
        with self._clock.open("r+b") as file:
            file.write(struct.pack("d", offset_s))

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Let its next start have a read-only root, with only /dev/shm to write to."""
        usual, self.launcher = self.launcher, self._with_own_names(" && mount -o remount,bind,ro /")
        try:
            yield
        finally:
            self.launcher = usual


class Site:
    """All of it.

    Args:
        folder: takes what is written.
        store: Redis.
        options: variables of the gateways, without their prefix.
    """

    def __init__(self, folder: Path, store: Store, **options: str) -> None:
        self.folder, self.store = folder, store
        self._running = ExitStack()
        self.port = free_port()
        self.origin = f"http://{HOST}:{self.port}"
        self.signing_key = token_urlsafe(48)
        self._django_port = free_port()
        self._secret_key = token_urlsafe(48)
        gateway = {
            "SOCKGATE_REDIS_URL": store.url_at(NAME if may_mount() else HOST),
            "SOCKGATE_SIGNING_KEYS": self.signing_key,
            "SOCKGATE_ORIGINS": self.origin,
            "SOCKGATE_TRUSTED_PROXIES": HOST,
            "SOCKGATE_DRAIN_TIMEOUT": "3",
            "SOCKGATE_MAX_CONNECTIONS": "1000",
            "SOCKGATE_MAX_UNAUTHENTICATED": "1000",
            **{f"SOCKGATE_{name.upper()}": value for name, value in options.items()},
        }
        self.hosts = [Host(name, folder / name, gateway) for name in ("a", "b")]
        self.django = Server(
            [
                *(sys.executable, "-m", "gunicorn", "--workers=2", "--threads=4", "--timeout=120"),
                *("--no-control-socket", f"--bind={HOST}:{self._django_port}"),
                "tests.drills.wsgi",
            ],
            self._django_environ(),
            folder / "django.log",
            lambda: answers(self._django_port, "/login/"),
        )

    def __enter__(self) -> "Site":
        manage = [sys.executable, str(DEMO / "manage.py"), "prepare", *ACCOUNTS]
        environ = {**os.environ, **self.django.environ}
        subprocess.run(manage, env=environ, check=True, timeout=180)
        self._running.callback(self.store.stop)
        self.django.start()
        self._running.callback(self.django.stop)
        for host in self.hosts:
            self._running.enter_context(small_disk(host.log.parent, LOG_DISK))
            host.start()
            self._running.callback(host.stop)
        places = [f"{HOST}:{host.port}" for host in self.hosts]
        nginx = self.folder / "nginx"
        nginx.mkdir()
        django = f"{HOST}:{self._django_port}"
        self.proxy = balancers.nginx(nginx, self.port, django, *places, worker_connections=2048)
        self.proxy.start()
        self._running.callback(lambda: self.proxy.stop())
        return self

    def __exit__(self, *_: Any) -> None:
        self._running.close()

    def use_key(self, key: str) -> None:
        """Give all that start from now on another signing key."""
        self.signing_key = key
        for environ in (self.django.environ, *(host.variables for host in self.hosts)):
            environ["SOCKGATE_SIGNING_KEYS"] = key

    def _django_environ(self) -> dict[str, str]:
        return {
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(DEMO))),
            "DJANGO_SETTINGS_MODULE": "tests.drills.settings",
            "SOCKGATE_REDIS_URL": self.store.url_at(HOST),
            "SOCKGATE_SIGNING_KEYS": self.signing_key,
            "DEMO_FOLDER": str(self.folder),
            "DEMO_GATEWAY": self.origin,
            "DEMO_REDIS_PORT": "0",
            "DEMO_SECRET_KEY": self._secret_key,
        }
