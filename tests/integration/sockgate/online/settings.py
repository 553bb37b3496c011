"""The test project with this app, on a Redis that the environment names."""

import os

from tests.django_settings import *  # noqa: F403
from tests.django_settings import INSTALLED_APPS as PLAIN_APPS
from tests.django_settings import SOCKGATE as PLAIN

INSTALLED_APPS = [*PLAIN_APPS, "tests.integration.sockgate.online.apps.OnlineConfig"]
SOCKGATE = {
    **PLAIN,
    "REDIS_URL": os.environ["ONLINE_REDIS_URL"],
    "PRESENCE_SIGNALS": True,
    "OFFLINE_AFTER": float(os.environ.get("ONLINE_AFTER", "0.5")),
}
