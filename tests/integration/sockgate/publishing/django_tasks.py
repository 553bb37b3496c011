"""Tasks of ``django.tasks`` with a progress. Django 6 has them."""

from typing import Any

from django.tasks import task
from sockgate import tracked_task


@task(takes_context=True)
@tracked_task(total=3)
def export(context: Any, user_id: int, bar: Any = None) -> None:
    for _ in bar.track(range(3)):
        pass


@task(takes_context=True)
@tracked_task
def broken(context: Any, user_id: int) -> None:
    raise OSError("a secret path")


@task(takes_context=True)
@tracked_task
async def asynchronous(context: Any, user_id: int, bar: Any = None) -> None:
    await bar.aupdate(message="x")
