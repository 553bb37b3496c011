"""Programs and packages with pinned versions, built or installed on demand into ``.build/``."""

import subprocess
from pathlib import Path

from .places import BUILD, HERE

INSTALL_TIMEOUT_S = 600


class CannotBuild(Exception):
    """A program cannot be built on this machine. The message gives the reason, for the report."""


def compiled(name: str) -> Path:
    """Compile ``<name>.c`` with the system's compiler, once per change."""
    source, program = HERE / f"{name}.c", BUILD / name
    BUILD.mkdir(exist_ok=True)
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        run("cc", "-O2", "-o", program, source)
    return program


def go_program(source: Path, package: str = ".") -> Path:
    """Compile the Go module in a folder, or a program that it requires, once per change."""
    program = BUILD / (source.name if package == "." else package.replace("/", "_"))
    BUILD.mkdir(exist_ok=True)
    written = max(path.stat().st_mtime for path in source.iterdir())
    if not program.exists() or program.stat().st_mtime < written:
        run("go", "build", "-o", program, package, folder=source)
    return program


def node_modules_with(*packages: str) -> Path:
    """Return a folder of Node.js modules with these packages."""
    home = BUILD / "node"
    home.mkdir(parents=True, exist_ok=True)
    if not has_stamp(home, packages):
        if not (home / "package.json").exists():
            (home / "package.json").write_text('{"private": true}\n')
        quiet = ("--no-audit", "--no-fund", "--loglevel=error")
        run("npm", "install", "--prefix", home, *quiet, *packages)
        stamp(home, packages)
    return home / "node_modules"


def node_environ() -> dict[str, str]:
    """Return the variables with which Node.js finds those modules."""
    return {"NODE_PATH": str(BUILD / "node" / "node_modules"), "NODE_ENV": "production"}


def debian_package(name: str) -> Path:
    """Unpack a Debian package without installing it, so that no other program uses it."""
    home = BUILD / "debian" / name
    if not home.exists():
        downloads = BUILD / "debian" / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        _download(name, downloads)
        archive = max(downloads.glob(f"{name}_*.deb"), key=lambda path: path.stat().st_mtime)
        run("dpkg-deb", "-x", archive, home)
    return home


def _download(name: str, folder: Path) -> None:
    """Download a Debian package, after an update of the lists if they are missing."""
    try:
        run("apt-get", "download", "-q", name, folder=folder)
    except CannotBuild:
        run("apt-get", "update", "-qq")
        run("apt-get", "download", "-q", name, folder=folder)


def run(*command: str | Path, folder: Path | None = None) -> None:
    """Run a program to its end.

    Raises:
        CannotBuild: it is missing, has failed, or takes too long.
    """
    words = [str(part) for part in command]
    try:
        subprocess.run(
            words,
            cwd=folder,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=INSTALL_TIMEOUT_S,
        )
    except FileNotFoundError as error:
        raise CannotBuild(f"{words[0]} is not on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise CannotBuild(f"{words[0]} took more than {INSTALL_TIMEOUT_S} s") from error
    except subprocess.CalledProcessError as error:
        said = error.stdout.decode(errors="replace").strip().splitlines()
        raise CannotBuild(f"{words[0]}: {said[-1] if said else 'failed'}") from error


def _stamp_path(home: Path) -> Path:
    return home / ".installed"


def has_stamp(home: Path, wanted: tuple[str, ...]) -> bool:
    """Return whether exactly these packages are installed in a folder."""
    path = _stamp_path(home)
    return path.exists() and set(wanted) <= set(path.read_text().split())


def stamp(home: Path, wanted: tuple[str, ...]) -> None:
    """Record the packages that are installed in a folder."""
    path = _stamp_path(home)
    known = path.read_text().split() if path.exists() else []
    path.write_text("\n".join(sorted({*known, *wanted})) + "\n")
