"""The smallest Django project that has Sockgate in it."""

SECRET_KEY = "not a secret, only for tests"
ALLOWED_HOSTS = ["testserver"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "/static/"
ROOT_URLCONF = "tests.django_urls"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "sockgate",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
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

SESSION_ENGINE = "sockgate.sessions.redis"
# A test that needs Redis overrides REDIS_URL with that of its own server.
SOCKGATE = {
    "SIGNING_KEYS": ["an-old-signing-key-for-tests-only-1", "a-new-signing-key-for-tests-only-2"],
    "GATEWAY_URL": "http://127.0.0.1:8001/realtime",
    # A busy machine must not look like a Redis that does not answer.
    "PAGE_TIMEOUT": 10,
}
