"""``@tracked_task``: the progress of a task of Celery or of ``django.tasks``, under the task's id.

Strategy: the decorator is below that of the task, and neither framework is imported. Celery passes
the task as the first argument (``bind=True``), Django the context (``takes_context=True``). The
``autoretry_for`` of Celery works outside of the function. So the decorator decides as Celery will:
whether the exception is one of these, and whether a try is left. ``retry(throw=False)`` leaves no
trace at the task, so the decorator notes a call of ``retry`` that returns.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast, overload

from .bar import STALLED_AFTER_S, TTL_S, Progress, ending_of

_NOTE = "_sockgate_notes_retries"

_Function = TypeVar("_Function", bound=Callable[..., Any])


class _Run(NamedTuple):
    """One run of a task: its id, the number of the try, and how an error ends it."""

    id: str
    attempt: int
    ending_of: Callable[[BaseException | None], tuple[str, str | None]]


@overload
def tracked_task(function: _Function) -> _Function: ...


@overload
def tracked_task(
    function: None = None,
    *,
    user: str = "user_id",
    total: float | None = None,
    stalled_after: float = STALLED_AFTER_S,
    ttl: int = TTL_S,
) -> Callable[[_Function], _Function]: ...


def tracked_task(
    function: Any = None,
    *,
    user: str = "user_id",
    total: float | None = None,
    stalled_after: float = STALLED_AFTER_S,
    ttl: int = TTL_S,
) -> Any:
    """Show the progress of a task to one user: ``{% task_progress result.id %}``.

    Place it below ``@shared_task(bind=True)`` or ``@task(takes_context=True)``. A function with a
    parameter ``bar`` receives the ``Progress``. A failure and another try are shown.

    Args:
        function: the task's function.
        user: the name of the parameter with the user, or the user's primary key.
        total: as for ``progress``.
        stalled_after: as for ``progress``.
        ttl: as for ``progress``.

    Raises:
        TypeError: the function has no such parameter.
    """

    def decorate(function: _Function) -> _Function:
        parameters = inspect.signature(function).parameters
        if user not in parameters:
            raise TypeError(
                f"@tracked_task: {function.__qualname__} has no parameter {user!r} with the user. "
                'Name it: @tracked_task(user="…").'
            )
        options: dict[str, Any] = {"total": total, "stalled_after": stalled_after, "ttl": ttl}
        wrap = _wrap_async if inspect.iscoroutinefunction(function) else _wrap
        return cast(_Function, wrap(function, user, options))

    return decorate if function is None else decorate(function)


def _wrap(function: Callable[..., Any], user: str, options: dict[str, Any]) -> Callable[..., Any]:
    @wraps(function)
    def tracked(*args: Any, **kwargs: Any) -> Any:
        run, bar, more = _begin(function, user, options, args, kwargs)
        bar.start()
        try:
            result = function(*args, **kwargs, **more)
        except BaseException as error:
            if ending := _ending(run, bar, error):
                bar.finish(*ending)
            raise
        bar.finish(*run.ending_of(None))
        return result

    return tracked


def _wrap_async(
    function: Callable[..., Any], user: str, options: dict[str, Any]
) -> Callable[..., Any]:
    @wraps(function)
    async def tracked(*args: Any, **kwargs: Any) -> Any:
        run, bar, more = _begin(function, user, options, args, kwargs)
        await bar.astart()
        try:
            result = await function(*args, **kwargs, **more)
        except BaseException as error:
            if ending := _ending(run, bar, error):
                await bar.afinish(*ending)
            raise
        await bar.afinish(*run.ending_of(None))
        return result

    return tracked


def _ending(run: _Run, bar: Progress, error: BaseException) -> tuple[str, str | None] | None:
    """Return the last state and message of a run; None: the work has said them itself."""
    state, message = run.ending_of(error)
    return None if state == "done" and bar.state in ("done", "failed") else (state, message)


def _begin(
    function: Callable[..., Any],
    user: str,
    options: dict[str, Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[_Run, Progress, dict[str, Any]]:
    signature = inspect.signature(function)
    given = signature.bind_partial(*args, **kwargs)
    given.apply_defaults()
    if user not in given.arguments:
        raise TypeError(f"@tracked_task: {function.__qualname__} was called without {user!r}")
    run = _run_of(function, args)
    bar = Progress(given.arguments[user], id=run.id, attempt=run.attempt, **options)
    return run, bar, {"bar": bar} if "bar" in signature.parameters else {}


def _run_of(function: Callable[..., Any], args: tuple[Any, ...]) -> _Run:
    first = args[0] if args else None
    if request := getattr(first, "request", None):
        if getattr(request, "id", None):
            return _Run(request.id, (request.retries or 0) + 1, _celery_ending(first))
    elif result := getattr(first, "task_result", None):
        return _Run(result.id, getattr(first, "attempt", 1), ending_of)
    raise TypeError(
        f"@tracked_task: {function.__qualname__} was not called as a task. Use "
        "@shared_task(bind=True) of Celery, or @task(takes_context=True) of Django, above it."
    )


def _celery_ending(task: Any) -> Callable[[BaseException | None], tuple[str, str | None]]:
    _note_retries(task)

    def ending(error: BaseException | None) -> tuple[str, str | None]:
        if getattr(task.request, _NOTE, False):
            return "retrying", None
        if error is None or _is_of_celery(error, "Ignore"):
            return "done", None
        return ("retrying", None) if _is_retried(task, error) else ending_of(error)

    return ending


def _note_retries(task: Any) -> None:
    """Let ``task.retry`` note at the request of this run that it has returned: a try follows."""
    if _NOTE in vars(task):
        return
    retry = task.retry

    @wraps(retry)
    def noting(*args: Any, **kwargs: Any) -> Any:
        result = retry(*args, **kwargs)
        setattr(task.request, _NOTE, True)
        return result

    task.retry = noting
    setattr(task, _NOTE, True)


def _is_retried(task: Any, error: BaseException) -> bool:
    if _is_of_celery(error, "Retry"):  # ``raise self.retry(…)``
        return True
    if _is_of_celery(error, "Reject"):
        return bool(getattr(error, "requeue", False)) and bool(task.acks_late)
    kinds = tuple(getattr(task, "autoretry_for", ()) or ())
    excluded = tuple(getattr(task, "dont_autoretry_for", ()) or ())
    if not isinstance(error, kinds) or isinstance(error, excluded):
        return False
    limit = _max_retries(task)
    return limit is None or (task.request.retries or 0) < limit


def _max_retries(task: Any) -> int | None:
    """Return the limit with which ``autoretry_for`` will try again.

    The ``max_retries`` of a call of ``retry`` counts from then on: Celery keeps it at the task.
    """
    options = getattr(task, "retry_kwargs", None) or {}
    found = getattr(task, "override_max_retries", options.get("max_retries"))
    limit: int | None = task.max_retries if found is None else found
    return limit


def _is_of_celery(error: BaseException, name: str) -> bool:
    return any(
        kind.__name__ == name and kind.__module__.startswith("celery.")
        for kind in type(error).__mro__
    )
