"""A Celery task that publishes its result to the user.

export SOCKGATE_REDIS_URL=redis://127.0.0.1:6379
celery -A tasks worker &
celery -A tasks call tasks.make_report --args '[1]'
"""

import os

import django
from celery import Celery
from django.conf import settings

# In a Django project: DJANGO_SETTINGS_MODULE instead of these lines.
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "sockgate"]
)
django.setup()

from sockgate import publish  # noqa: E402

app = Celery("tasks", broker=os.environ["SOCKGATE_REDIS_URL"])


@app.task(name="tasks.make_report")
def make_report(user_pk: int) -> None:
    """Make the report, and publish that it is ready."""
    publish(user_pk, "report", {"title": "Your report is ready"})
