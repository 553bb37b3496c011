"""The demo's Django settings. Those for Sockgate are marked."""

import os
from pathlib import Path

DEMO = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ["DEMO_FOLDER"])
GATEWAY = os.environ["DEMO_GATEWAY"]
REDIS_PORT = os.environ["DEMO_REDIS_PORT"]

SECRET_KEY = os.environ["DEMO_SECRET_KEY"]
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "sockgate",  # Sockgate
    "board",
]

SESSION_ENGINE = "sockgate.sessions.redis"  # Sockgate

# Sockgate: Django and the gateway both read SOCKGATE_SIGNING_KEYS and SOCKGATE_REDIS_URL from the
# environment.
SOCKGATE = {
    "GATEWAY_URL": f"{GATEWAY}/realtime",
    # Decides on rt.subscribe("room:7") in the browser. The namespace sets how its channels behave.
    "AUTHORIZE": "board.realtime.may_subscribe",
    "PRESENCE_DATA": "board.realtime.card_of",
    "NAMESPACES": {
        "room": {"history": 100, "age": 3600, "presence": True, "join_leave": True},
        # Who edits what: each page says it of itself.
        "desk": {"presence": True, "join_leave": True, "presence_data": "subscribers"},
    },
}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "board.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Several threads write. A writer waits for another one instead of failing.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "demo.sqlite3",
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "board"
LOGOUT_REDIRECT_URL = "login"

# JSONP, the last fallback, has no Origin header. The gateway checks the Referer instead, which
# Django by default does not send to other origins.
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"

STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django.server": {"handlers": ["console"], "level": "ERROR", "propagate": False}},
}
