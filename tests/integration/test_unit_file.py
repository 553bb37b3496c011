"""The systemd units: systemd understands them, and finds them well protected."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
MAX_EXPOSURE = 3.0
"""Of 10: systemd calls up to 4.9 "OK"."""

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="needs the package systemd"
)


def analyze(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *command], capture_output=True, text=True, timeout=60, check=False
    )


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_unit_is_well_protected(unit: Path) -> None:
    threshold = f"--threshold={MAX_EXPOSURE * 10:.0f}"
    judged = analyze("security", "--offline=true", threshold, str(unit))
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "Overall exposure level" in judged.stdout


@needs_systemd
def test_systemd_knows_every_line_of_the_units(tmp_path: Path) -> None:
    copies = [tmp_path / unit.name for unit in UNITS]
    for unit, copy in zip(UNITS, copies, strict=True):
        text = unit.read_text().replace("/srv/site/.venv/bin/python", "/bin/true")
        copy.write_text(text.replace("/srv/site/.venv/bin/sockgate", "/bin/true"))
    judged = analyze("verify", *map(str, copies))
    assert judged.stderr == ""
    assert judged.returncode == 0


@pytest.mark.parametrize("name", ["sockgate", "sockgate-signals"])
def test_unit_restarts_forever(name: str) -> None:
    (unit,) = (unit for unit in SERVICES if unit.stem == name)
    assert {"StartLimitIntervalSec=0", "Restart=always"} <= set(unit.read_text().splitlines())


def test_unit_of_the_gateway_is_watched() -> None:
    (unit,) = (unit for unit in SERVICES if unit.stem == "sockgate")
    assert {"Type=notify", "WatchdogSec=30"} <= set(unit.read_text().splitlines())


def test_unit_leaves_the_metrics_of_processes_readable() -> None:
    """With ``ProcSubset=pid`` there is no /proc/stat, and all ``process_*`` are missing."""
    (unit,) = (unit for unit in SERVICES if unit.stem == "sockgate")
    assert "ProcSubset=pid" not in unit.read_text()
