"""The systemd unit of deploy.md: systemd understands it, and finds it well protected."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy.md"
MAX_EXPOSURE = 3.0
"""Of 10: systemd calls up to 4.9 "OK"."""

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="needs the package systemd"
)


def unit_of_the_document() -> str:
    """Return the unit, as it is written there."""
    (unit,) = re.findall(r"```ini\n(\[Unit\].*?)```", DEPLOY.read_text(), re.DOTALL)
    return unit


def analyze(folder: Path, unit: str, *command: str) -> subprocess.CompletedProcess[str]:
    path = folder / "sockgate.service"
    path.write_text(unit)
    return subprocess.run(
        ["systemd-analyze", *command, str(path)], capture_output=True, text=True, timeout=60
    )


@needs_systemd
def test_unit_is_well_protected(tmp_path: Path) -> None:
    threshold = f"--threshold={MAX_EXPOSURE * 10:.0f}"
    judged = analyze(tmp_path, unit_of_the_document(), "security", "--offline=true", threshold)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "Overall exposure level" in judged.stdout


@needs_systemd
def test_systemd_knows_every_line_of_the_unit(tmp_path: Path) -> None:
    unit = unit_of_the_document().replace("/srv/site/.venv/bin/sockgate", "/bin/true")
    judged = analyze(tmp_path, unit, "verify")
    assert "Unknown" not in judged.stderr, judged.stderr


def test_unit_restarts_forever_and_is_watched() -> None:
    lines = unit_of_the_document().splitlines()
    assert {"StartLimitIntervalSec=0", "Restart=always", "Type=notify"} <= set(lines)
