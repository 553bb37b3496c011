"""Settings of examples/live_pages for compose.yaml: production, from the environment."""

import os

from pages.settings import *  # noqa: F403

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = os.environ["DJANGO_ALLOWED_HOSTS"].split(",")
CSRF_TRUSTED_ORIGINS = [os.environ["SOCKGATE_ORIGINS"]]
STATIC_ROOT = "/srv/static"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/srv/data/site.sqlite3"}}
