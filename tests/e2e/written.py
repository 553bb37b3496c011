"""A project that a page of the documentation builds: its blocks are written, applied and run."""

import re
import shlex
import subprocess

from tests.e2e.quickstart import FAST_PASSWORDS, Site

BLOCK = re.compile(
    r"^(?:\*\*`(?P<path>[\w/.]+)`\*\*(?P<end>, at the end)?\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
STEP = re.compile(r"^## \d+\. ", re.MULTILINE)


def steps_of(page: str) -> list[str]:
    """Return the text of each numbered step."""
    return STEP.split(page)[1:]


class WrittenSite(Site):
    """The project of a page; each step is applied by ``do``."""

    def do(self, step: str) -> None:
        for block in BLOCK.finditer(step):
            if block["path"]:
                self._write(block["path"], block["text"], is_end=bool(block["end"]))
            elif block["kind"] == "diff":
                command = ["git", "apply", "--unidiff-zero", "-"]
                subprocess.run(command, cwd=self.folder, input=block["text"], text=True, check=True)
            elif block["kind"] == "console":
                for line in block["text"].splitlines():
                    self._run(line)

    def start(self, line: str, project: str) -> None:
        """Run ``django-admin startproject``, and let passwords of the tests be quick."""
        _, command, *arguments = shlex.split(line)
        self.python("-m", "django", command, *arguments)
        with (self.folder / project / "settings.py").open("a") as settings:
            settings.write(FAST_PASSWORDS)

    def _write(self, name: str, text: str, *, is_end: bool) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() if is_end else "") + text)

    def _run(self, line: str) -> None:
        program, command, *arguments = shlex.split(line.removeprefix("$ "))
        if program == "django-admin":
            self.start(line.removeprefix("$ "), arguments[0])
        elif arguments != ["runserver"]:
            assert (program, command) == ("python", "manage.py")
            self.manage(*arguments)
