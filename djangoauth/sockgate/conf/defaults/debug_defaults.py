"""Defaults of the settings in DEBUG, where nothing is configured.

``manage.py runserver`` (``dev/``) starts what these defaults name. With DEBUG off every function
returns nothing, so that a missing key or address stays an error in production.
"""

import hashlib
import hmac
import os
import sys
from base64 import urlsafe_b64encode
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from . import embedded_valkey
from .locks import is_locked, try_lock

FOLDER = ".sockgate"
"""The folder in the project that holds what must survive a restart of ``runserver``."""

GATEWAY_URL_VARIABLE = "DJANGO_SOCKGATE_GATEWAY_URL"
"""Set by ``runserver`` for its own processes: the port and the path of the gateway."""

GATEWAY_URL_FILE = "gateway.url"
"""The same for other commands, in a file that the process of the gateway keeps locked."""

SITE_URL_FILE = "site.url"
"""The address of the pages that ``runserver`` serves, in a file that it keeps locked."""

_LABEL = b"sockgate: signing key for development, 1"
_KEY_BYTES = 32


def signing_keys() -> tuple[str, ...]:
    """Derive the signing keys from ``SECRET_KEY`` and its fallbacks, oldest first."""
    if not settings.DEBUG:
        return ()
    # Django lists the newest fallback first.
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return tuple(derive_key(secret) for secret in reversed(secrets) if secret)


def redis_url() -> str:
    """Return the address of the embedded Valkey of this project; empty: it has none.

    Where ``runserver`` would start one, its address is chosen here. Without that, other commands
    would use the Redis of another site on this machine.

    Raises:
        ImproperlyConfigured: the address cannot be kept.
    """
    if not settings.DEBUG:
        return ""
    folder = state_folder()
    if (url := embedded_valkey.url_of(folder)) or not embedded_valkey.is_installed():
        return url
    try:
        return embedded_valkey.reserve(folder)
    except OSError as error:
        raise ImproperlyConfigured(embedded_valkey.cannot_write(folder, error)) from error


def embedded_folder(url: str) -> Path | None:
    """Return the folder of the embedded Valkey of this project that has an address; None: none."""
    if not settings.DEBUG:
        return None
    folder = state_folder()
    return folder if url and url == embedded_valkey.url_of(folder) else None


def gateway_url() -> str:
    """Return the address of the gateway that a ``runserver`` of this project runs; empty: none."""
    if not settings.DEBUG:
        return ""
    return os.environ.get(GATEWAY_URL_VARIABLE) or _shared_text(GATEWAY_URL_FILE)


def site_url() -> str:
    """Return the address of the pages that a ``runserver`` of this project serves; empty: none."""
    return _shared_text(SITE_URL_FILE) if settings.DEBUG else ""


def share_site_url(url: str) -> None:
    """Set the address of the pages, for other commands while this process runs."""
    _share(_shared_site, SITE_URL_FILE, url)


def share_gateway_url(url: str) -> None:
    """Set the address for this process and its children, and for other commands while it runs."""
    os.environ[GATEWAY_URL_VARIABLE] = url
    _share(_shared_gateway, GATEWAY_URL_FILE, url)


class _SharedText:
    """A file that counts while this process lives, because this process holds its lock."""

    def __init__(self) -> None:
        self._descriptor: int | None = None

    def write(self, path: Path, text: str) -> None:
        """Replace the file, also that of another process that lives."""
        before = self._descriptor
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        self._descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try_lock(self._descriptor)
        os.write(self._descriptor, f"{text}\n".encode())
        draft.replace(path)
        if before is not None:
            os.close(before)


_shared_gateway = _SharedText()
_shared_site = _SharedText()


def _share(shared: _SharedText, file: str, text: str) -> None:
    with suppress(OSError):  # Without the file, other commands need the address as an argument.
        embedded_valkey.make_folder(state_folder())
        shared.write(state_folder() / file, text)


def _shared_text(file: str) -> str:
    path = state_folder() / file
    try:
        return path.read_text().strip() if is_locked(path) else ""
    except (OSError, ValueError):
        return ""


def state_folder() -> Path:
    """Return the folder ``.sockgate`` of the project, which need not exist.

    It is in ``BASE_DIR``. Without that setting it is beside the package of the settings.
    """
    base = getattr(settings, "BASE_DIR", None)
    return (Path(base) if base else _beside_settings()).absolute() / FOLDER


def _beside_settings() -> Path:
    top = str(getattr(settings, "SETTINGS_MODULE", "")).partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None)
    if file is None:
        return Path.cwd()
    path = Path(file)
    return path.parent.parent if path.name == "__init__.py" else path.parent


def derive_key(secret: str | bytes) -> str:
    """Derive a signing key from a secret by HKDF with SHA-256 (RFC 5869) and a label."""
    data = secret if isinstance(secret, bytes) else secret.encode()
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), data, "sha256")
    expanded = hmac.digest(extracted, _LABEL + b"\x01", "sha256")
    return urlsafe_b64encode(expanded[:_KEY_BYTES]).decode().rstrip("=")
