import subprocess
import sys
from pathlib import Path

from sockgate.conf.defaults.locks import is_locked, locked, try_lock

HOLD = """
import os, sys
from pathlib import Path
from sockgate.conf.defaults.locks import try_lock
assert try_lock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT))
print("locked", flush=True)
sys.stdin.read()
"""


def test_lock_ends_with_a_killed_process(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        assert is_locked(file)
        holder.kill()
        holder.wait()
        assert not is_locked(file)


def test_asking_takes_no_lock(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    assert not is_locked(file)
    assert not file.exists()
    with file.open("w") as first, file.open("w") as second:
        assert not is_locked(file)
        assert try_lock(first.fileno())
        assert is_locked(file)
        assert not try_lock(second.fileno())
    assert not is_locked(file)


def test_lock_is_held_during_the_block(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with locked(file):
        assert is_locked(file)
    assert not is_locked(file)
    assert file.stat().st_mode & 0o777 == 0o600
