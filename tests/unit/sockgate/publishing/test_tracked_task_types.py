"""``@tracked_task`` keeps the types of what it decorates."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]

PROGRAM = """
from sockgate import tracked_task

@tracked_task
def plain(self: object, user_id: int) -> str:
    return ""

@tracked_task(user="owner", total=3)
async def named(self: object, owner: int) -> int:
    return 1

reveal_type(plain)
reveal_type(named)
tracked_task(usr="owner")
"""


def test_tracked_task_keeps_types(tmp_path: Path) -> None:
    program = tmp_path / "tasks.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", "--no-error-summary", str(program)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    plain, named, misuse = found.stdout.splitlines()
    assert "def (self: object, user_id: int) -> str" in plain
    assert "def (self: object, owner: int) -> typing.Coroutine[Any, Any, int]" in named
    assert "call-overload" in misuse
