"""Tasks of Celery with a progress, and the app that a worker runs.

The worker reads ``SOCKGATE_REDIS_URL``; it has no database.
"""

import os

import django
from celery import Celery
from celery.exceptions import Ignore, Reject
from django.conf import settings

if not settings.configured:
    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "sockgate"],
        SECRET_KEY="not a secret, only for tests",
    )
    django.setup()

from sockgate import ProgressFailed, tracked_task

app = Celery("progress_tasks", broker=os.environ.get("SOCKGATE_REDIS_URL", "memory://"))
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)


@app.task(name="export", bind=True)
@tracked_task(total=3)
def export(self, user_id, bar):
    for number in bar.track(range(3)):
        bar.update(message=f"Row {number}")


@app.task(name="fragile", bind=True, autoretry_for=(OSError,), max_retries=1, retry_backoff=False)
@tracked_task
def fragile(self, user_id, succeeds_at, bar):
    self.default_retry_delay = 0
    if self.request.retries + 1 < succeeds_at:
        raise OSError("a secret path")


@app.task(name="by_hand", bind=True, max_retries=1)
@tracked_task(user="owner")
def by_hand(self, owner):
    if not self.request.retries:
        raise self.retry(countdown=0)


@app.task(name="broken", bind=True)
@tracked_task
def broken(self, user_id):
    raise ProgressFailed("The file has no rows.")


@app.task(name="dies", bind=True, acks_late=False)
@tracked_task(stalled_after=1)
def dies(self, user_id, bar):
    bar.update(message="before")
    os.kill(os.getpid(), 9)


@app.task(name="own_limit", bind=True, autoretry_for=(OSError,), max_retries=5)
@tracked_task
def own_limit(self, user_id):
    raise self.retry(exc=OSError(), countdown=0, max_retries=1)


@app.task(name="beyond", bind=True, autoretry_for=(OSError,), max_retries=1)
@tracked_task
def beyond(self, user_id):
    self.default_retry_delay = 0
    if not self.request.retries:
        raise self.retry(countdown=0, max_retries=3)
    if self.request.retries == 1:
        raise OSError


@app.task(name="options", bind=True, autoretry_for=(OSError,), retry_kwargs={"max_retries": 1})
@tracked_task
def options(self, user_id):
    self.default_retry_delay = 0
    raise OSError


@app.task(name="ignored", bind=True)
@tracked_task
def ignored(self, user_id):
    raise Ignore


@app.task(name="ended", bind=True)
@tracked_task
def ended(self, user_id, bar):
    bar.finish("failed", "It is done elsewhere.")
    raise Ignore


@app.task(name="returned", bind=True, acks_late=True)
@tracked_task
def returned(self, user_id):
    raise Reject(requeue=True)


@app.task(name="rejected", bind=True)
@tracked_task
def rejected(self, user_id):
    raise Reject(requeue=True)


@app.task(name="goes_on", bind=True)
@tracked_task
def goes_on(self, user_id, fails=False):
    if self.request.retries:
        return
    self.retry(countdown=0, throw=False)
    if fails:
        raise OSError
