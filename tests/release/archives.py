"""The archives: what is in them, and what the index and npm think of them."""

import json
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.release.commands import expect, run

ROOT = Path(__file__).resolve().parents[2]
TWINE = "twine==7.0.0"
PUBLINT = "publint@0.3.25"
ATTW = "@arethetypeswrong/cli@0.18.5"

CLIENT = (
    "sockgate.js",
    "sockgate-full.js",
    "sockgate-sockjs.js",
    "sockgate-shared.js",
    "sockgate-state.js",
    "sockgate-tag.js",
    "sockgate-guard.js",
    "sockgate-progress.js",
    "sockgate-live.js",
    "sockgate-html.js",
    "sockgate-htmx.js",
    "sockgate-turbo.js",
    "sockgate.mjs",
    "sockgate.d.ts",
)
IN_WHEEL = (
    *(f"sockgate/static/sockgate/{name}" for name in (*CLIENT, "badge.js")),
    "sockgate_gateway/sockjs/static/sockjs.js",
    "sockgate/py.typed",
    "sockgate_gateway/py.typed",
)
TESTS_OF_SDIST = ("tests/unit/wire/test_tokens.py", "tests/unit/wire/test_vectors.py")
"""Some fast ones, which show that the sdist is complete."""

IN_SDIST = (
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "clientjs/package.json",
    "clientjs/src/index.js",
    "docs/troubleshooting.md",
    "examples/demo/run.py",
    "tests/vectors.json",
    *TESTS_OF_SDIST,
)
IN_TARBALL = (
    "package/LICENSE",
    "package/README.md",
    *(
        f"package/dist/{name}.{ending}"
        for name in ("guard", "react", "svelte", "vue")
        for ending in ("mjs", "cjs", "d.ts", "d.cts")
    ),
    *(f"package/dist/{name}" for name in (*CLIENT, "sockgate.cjs")),
)


@dataclass(frozen=True)
class Packages:
    sdist: Path
    wheel: Path
    tarball: Path


def build(folder: Path) -> Packages:
    """Build the sdist, the wheel from the sdist, and npm's tarball."""
    folder.mkdir(parents=True)
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=ROOT)
    packed = run(
        "npm", "pack", "--json", "--ignore-scripts", "--pack-destination", folder,
        cwd=ROOT / "clientjs",
    )  # fmt: skip
    tarball = folder / json.loads(packed[packed.index("[") :])[0]["filename"]
    return Packages(next(folder.glob("*.tar.gz")), next(folder.glob("*.whl")), tarball)


def check(packages: Packages, folder: Path) -> None:
    """Check the contents, the metadata, and that the tests of the sdist run."""
    with zipfile.ZipFile(packages.wheel) as wheel:
        expect(wheel.namelist(), *IN_WHEEL)
        expect_no_sources(wheel.namelist())
    with tarfile.open(packages.tarball) as tarball:
        expect(tarball.getnames(), *IN_TARBALL)
        expect_no_sources(tarball.getnames())
    with tarfile.open(packages.sdist) as sdist:
        sdist.extractall(folder, filter="data")
        root = sdist.getnames()[0].partition("/")[0]
        expect(sdist.getnames(), *(f"{root}/{name}" for name in IN_SDIST))
    run(sys.executable, "-m", "pytest", "-q", *TESTS_OF_SDIST, cwd=folder / root)
    _check_metadata(packages, folder)


def expect_no_sources(names: list[str]) -> None:
    """Fail where an archive has source maps, or the sources of the client."""
    found = [name for name in names if name.endswith(".map") or name.startswith("package/src/")]
    if found:
        raise SystemExit(f"Not to be published: {', '.join(found)}")


def _check_metadata(packages: Packages, folder: Path) -> None:
    run(sys.executable, "-m", "venv", folder / "twine", cwd=folder)
    python = folder / "twine" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", TWINE, cwd=folder)
    run(python, "-m", "twine", "check", "--strict", packages.wheel, packages.sdist, cwd=folder)
    run("npx", "--yes", PUBLINT, "run", packages.tarball, "--strict", cwd=folder)
    run("npx", "--yes", ATTW, packages.tarball, cwd=folder)
