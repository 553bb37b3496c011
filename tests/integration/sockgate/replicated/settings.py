"""The test project with a primary database and a replica of it, both files."""

import os
from pathlib import Path

from tests.django_settings import *  # noqa: F403

_FOLDER = Path(os.environ["DATABASES"])
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _FOLDER / "primary"},
    "replica": {"ENGINE": "django.db.backends.sqlite3", "NAME": _FOLDER / "replica"},
}
DATABASE_ROUTERS = ["tests.integration.sockgate.replicated.router.Router"]
SESSION_ENGINE = f"sockgate.sessions.{os.environ['ENGINE']}"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
