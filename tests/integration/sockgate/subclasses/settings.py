"""The test project with those proxies."""

from tests.django_settings import *  # noqa: F403
from tests.django_settings import INSTALLED_APPS as _APPS
from tests.django_settings import SOCKGATE as _SOCKGATE

INSTALLED_APPS = [*_APPS, "tests.integration.sockgate.subclasses"]
SESSION_ENGINE = "sockgate.sessions.db"
SOCKGATE = {**_SOCKGATE, "AUTHORIZE": "tests.integration.sockgate.subclasses.story.may_subscribe"}
MIGRATION_MODULES = dict.fromkeys(("admin", "auth", "contenttypes", "sockgate", "sessions"))
