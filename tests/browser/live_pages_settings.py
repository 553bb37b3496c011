"""The settings of examples/live_pages, with a strict Content-Security-Policy."""

import os
from pathlib import Path

from pages.settings import *  # noqa: F403
from pages.settings import DATABASES, MIDDLEWARE

GATEWAY = os.environ["DEMO_GATEWAY"]
MIDDLEWARE = ["board.middleware.content_security_policy", *MIDDLEWARE]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

DATABASES["default"] |= {
    "NAME": Path(os.environ["DEMO_FOLDER"]) / "pages.sqlite3",
    "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
}
