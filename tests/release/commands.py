"""Programs that a check runs. Their output is shown when they fail."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

TIMEOUT_S = 600


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a program, and return its output.

    Args:
        command: the program and its arguments.
        cwd: the folder in which it runs.
        env: all of its variables; None: those of this process.

    Raises:
        SystemExit: the program failed.
    """
    print("$", *command, flush=True)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{command[0]} failed in {cwd}")
    return done.stdout


def expect(texts: object, *wanted: str) -> None:
    """Check that a text or a collection of texts holds each wanted one.

    Raises:
        SystemExit: one is missing.
    """
    missing = [text for text in wanted if text not in texts]  # type: ignore[operator]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}")
