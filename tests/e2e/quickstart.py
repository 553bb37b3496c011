"""The project of the README's quickstart, and its ``manage.py runserver``."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.tabs import RawWebSocketTab
from tests.e2e.visitor import Visitor
from tests.ports import free_port
from tests.waiting import PATIENCE_S

README = Path(__file__).parents[2] / "README.md"
SECTION = re.compile(r"^## In your Django project\n(.*?)^## ", re.MULTILINE | re.DOTALL)
FILE = re.compile(
    r"^\*\*\d+\. `(?P<path>[\w/.]+)`\*\*(?P<end>, at the end)?.*?^```\w+\n(?P<text>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
ADMIN, PASSWORD = "admin", "admin-demo"
FAST_PASSWORDS = 'PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]\n'
PREPARE = f"""
import django
from django.core.management import call_command
django.setup()
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
User.objects.create_superuser("{ADMIN}", password="{PASSWORD}")
"""
START_S = 120
"""For a start of Django and the gateway, on a machine that does other work."""

_FOREIGN = ("DJANGO_SETTINGS_MODULE", "RUN_MAIN")


def environ_of(**variables: str) -> dict[str, str]:
    """Return an environment without variables of Sockgate or of another project."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("SOCKGATE_") and name not in _FOREIGN
    }
    return {**kept, "PYTHONUNBUFFERED": "1", **variables}


class Site:
    """A folder for a project, whose commands run as in a terminal.

    Args:
        folder: empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def manage(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return self.python(str(self.folder / "manage.py"), *arguments, **variables)

    def python(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        finished = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environ_of(**variables),
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished


class Project(Site):
    """A project made by ``startproject``, with the files of the README."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.python("-m", "django", "startproject", "mysite", str(folder))
        for match in FILE.finditer(SECTION.search(README.read_text())[1]):
            path = folder / match["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text() if match["end"] else ""
            path.write_text(before + match["text"])
        with (folder / "mysite" / "settings.py").open("a") as settings:
            settings.write(FAST_PASSWORDS)
        self.python("-c", PREPARE, DJANGO_SETTINGS_MODULE="mysite.settings")


class Runserver:
    """A ``manage.py runserver`` in a terminal of its own: a process group that Ctrl-C reaches."""

    def __init__(self, project: Site, port: int, *flags: str, **variables: str) -> None:
        self.port = port
        self._log = project.folder / "runserver.log"
        self._log.write_text("")
        command = [sys.executable, "manage.py", "runserver", str(port), *flags]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=project.folder,
                env=environ_of(**variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> "Runserver":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.interrupt()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return self._log.read_text()

    @property
    def exit_status(self) -> int | None:
        return self._process.poll()

    def origin(self, host: str = "localhost") -> str:
        return f"http://{host}:{self.port}"

    def wait_until_ready(self, starts: int = 1) -> "Runserver":
        """Wait until Django has started so many times, and the gateway serves."""
        self.wait_for("[gateway] ready at")
        return self.wait_for("development server at", starts)

    def wait_for(self, text: str, times: int = 1) -> "Runserver":
        self._until(lambda: self.output.count(text) >= times, f"{text!r} was not printed")
        return self

    def processes(self) -> dict[str, int]:
        """Return the ids of the processes that belong to it, by a word of their command lines."""
        words = ("valkey-server", "sockgate_gateway", "sockgate.dev", "manage.py")
        lines = {pid: command_of(pid) for pid in descendants(self.pid)}
        return {word: pid for pid, line in lines.items() for word in words if word in line}

    def interrupt(self) -> int:
        """Press Ctrl-C, and return the exit status."""
        os.killpg(self.pid, signal.SIGINT)
        return self._process.wait(START_S)

    def send(self, number: signal.Signals) -> int:
        """Send a signal to the first process alone, and return the exit status."""
        self._process.send_signal(number)
        return self._process.wait(START_S)

    def wait(self) -> int:
        return self._process.wait(START_S)

    def _until(self, condition: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + START_S
        while not condition():
            assert time.monotonic() < deadline and self.exit_status is None, (
                f"{otherwise}: {self.output}"
            )
            time.sleep(0.05)  # Poll: another process makes the condition true.


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have started."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    children = [int(child) for child in text.split()]
    return [*children, *(found for child in children for found in descendants(child))]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def wait_for_end(pids: list[int]) -> None:
    """Wait until processes have ended; a zombie has."""
    deadline = time.monotonic() + PATIENCE_S
    while alive := [command_of(pid) for pid in pids if command_of(pid)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)  # Poll: another process makes the condition true.


def log_in(origin: str) -> Visitor:
    visitor = Visitor(origin)
    visitor.get("/admin/login/")
    assert visitor.post("/admin/login/", username=ADMIN, password=PASSWORD).status == 302
    return visitor


def connect(url: str, origin: str, token: str) -> RawWebSocketTab:
    """Connect as the client does: a gateway that is not ready yet asks to come back (3003)."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        tab = RawWebSocketTab(url, origin)
        tab.open()
        answer = tab.show(token)
        if isinstance(answer, dict):
            assert answer["type"] == "connected"
            return tab
        tab.close()
        assert answer.code == 3003, answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)  # Poll: another process makes the condition true.


def port_of_project() -> int:
    """Return a free port; the next one, of the gateway, is free too."""
    return free_port(in_a_row=2)
