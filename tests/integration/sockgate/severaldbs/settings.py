"""The test project with two databases, both files; every request is a transaction on ``other``."""

import os
from pathlib import Path

from tests.django_settings import *  # noqa: F403

_FOLDER = Path(os.environ["DATABASES"])
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _FOLDER / "default"},
    "other": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _FOLDER / "other",
        "ATOMIC_REQUESTS": True,
    },
}
