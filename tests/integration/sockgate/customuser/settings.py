"""The test project with that user model."""

from tests.django_settings import *  # noqa: F403
from tests.django_settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "tests.integration.sockgate.customuser"]
INSTALLED_APPS.remove("django.contrib.admin")
MIGRATION_MODULES = {"sockgate": None}
AUTH_USER_MODEL = "customuser.Person"
ROOT_URLCONF = "sockgate.urls"
