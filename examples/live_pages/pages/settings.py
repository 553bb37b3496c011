"""The settings of the site. They are set-up, but for the line between the markers."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "only for this example, on your own machine"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

INSTALLED_APPS = [
    "sockgate",  # Sockgate: above staticfiles, so that runserver starts the gateway, too
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "pages",
]

SESSION_ENGINE = "sockgate.sessions.redis"

SOCKGATE = {
    # Every user who has logged in may follow these channels, so there is no AUTHORIZE.
    "NAMESPACES": {
        "lobby": {
            "public": True,
            "history": 0,
            "presence": True,
            "join_leave": True,
            "presence_data": "server",
        },
        "ticker": {"public": True, "history": 1, "state": "latest", "overflow": "latest"},
    },
    # begin presence
    "PRESENCE_DATA": lambda user: {"name": user.get_username()},
    # end presence
}

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ],
        },
    },
]

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "pages.sqlite3"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

ROOT_URLCONF = "pages.urls"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "page"
LOGOUT_REDIRECT_URL = "login"
STATIC_URL = "static/"
USE_TZ = True
