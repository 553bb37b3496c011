"""The test project with that user model."""

from tests.django_settings import *  # noqa: F403
from tests.django_settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "tests.integration.djangoauth.customuser"]
INSTALLED_APPS.remove("django.contrib.admin")
MIGRATION_MODULES = {"djangoauth": None}
AUTH_USER_MODEL = "customuser.Person"
ROOT_URLCONF = "djangoauth.urls"
