"""The test project with live models."""

from tests.django_settings import *  # noqa: F403
from tests.django_settings import INSTALLED_APPS as _APPS
from tests.django_settings import SOCKGATE as _SOCKGATE

INSTALLED_APPS = [*_APPS, "tests.integration.sockgate.livemodels"]
SOCKGATE = {**_SOCKGATE, "REDIS_URL": "memory://"}
MIGRATION_MODULES = dict.fromkeys(("admin", "auth", "contenttypes", "sockgate", "sessions"))
