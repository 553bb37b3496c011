"""Steps of the doctor: each is timed, and ends as ``ok``, ``failed`` or ``skipped``."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from time import monotonic
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from redis import RedisError
from sockgate_gateway.redis_servers.errors import cause_of, remedy_for
from sockgate_gateway.wire.documentation import address_of
from sockgate_gateway.wire.errors import TenantError


class StepFailed(Exception):
    """A step of the walk has failed.

    Args:
        cause: what is wrong, as a sentence.
        mend: what to change, as a sentence; it names the setting.
        anchor: the heading in docs/troubleshooting.md.
    """

    def __init__(self, cause: str, mend: str, anchor: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.mend = mend
        self.anchor = anchor


class StepSkipped(Exception):
    """A step of the walk cannot be made here; the text says why."""


class Outcome(StrEnum):
    """How a step has ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was made.

    Args:
        name: of the step.
        outcome: how it ended.
        ms: its time in milliseconds.
        detail: what was found, or why the step was skipped; further lines follow the first one.
        cause: what is wrong.
        mend: what to change.
        see: the part of the documentation.
    """

    name: str
    outcome: Outcome
    ms: float
    detail: str = ""
    cause: str = ""
    mend: str = ""
    see: str = ""

    def lines(self) -> Iterator[str]:
        """Write the step for people."""
        detail, *more = self.detail.split("\n")
        yield f"{self.outcome:8} {self.name:24} {self.ms:7.0f} ms  {detail}".rstrip()
        yield from (f"         {line}" for line in more)
        if self.outcome is Outcome.FAILED:
            yield f"         {self.cause}"
            yield f"         To do: {self.mend}"
            yield f"         See {self.see}"


class Report:
    """The steps that were made.

    Args:
        clock: returns monotonic seconds.
        on_step: receives each step when it has ended.
    """

    def __init__(
        self, on_step: Callable[[Step], None], clock: Callable[[], float] = monotonic
    ) -> None:
        self.steps: list[Step] = []
        self._on_step = on_step
        self._clock = clock

    @property
    def is_good(self) -> bool:
        """Whether no step has failed."""
        return all(step.outcome is not Outcome.FAILED for step in self.steps)

    def run(self, name: str, work: Callable[[], str]) -> bool:
        """Make a step; return whether the walk may go on.

        Args:
            name: of the step.
            work: returns what was found; raises ``StepFailed`` or ``StepSkipped``.
        """
        started_at, fields = self._clock(), dict[str, Any]()
        try:
            with _known_errors():
                outcome, fields = Outcome.OK, {"detail": work()}
        except StepSkipped as skipped:
            outcome, fields = Outcome.SKIPPED, {"detail": str(skipped)}
        except StepFailed as failed:
            see = address_of(f"troubleshooting.md#{failed.anchor}")
            outcome = Outcome.FAILED
            fields = {"cause": failed.cause, "mend": failed.mend, "see": see}
        self._add(Step(name, outcome, (self._clock() - started_at) * 1000, **fields))
        return outcome is Outcome.OK

    def skip(self, names: Iterable[str], reason: str) -> None:
        """Note steps that are not made, because of a step before."""
        for name in names:
            self._add(Step(name, Outcome.SKIPPED, 0, detail=reason))

    def as_dict(self) -> dict[str, Any]:
        """Return the report for ``--json``."""
        steps = [{**asdict(step), "ms": round(step.ms, 1)} for step in self.steps]
        return {"ok": self.is_good, "steps": steps}

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        self._on_step(step)


@contextmanager
def _known_errors() -> Iterator[None]:
    """Turn errors that any step may meet into ``StepFailed``."""
    try:
        yield
    except RedisError as error:
        cause = cause_of(error)
        remedy = remedy_for(cause) or "check that Redis runs, and the URL"
        raise StepFailed(
            f"Redis does not answer: {cause}",
            f'{remedy[0].upper()}{remedy[1:]}: SOCKGATE["REDIS_URL"], or SOCKGATE_REDIS_URL.',
            "redis-does-not-answer",
        ) from error
    except ImproperlyConfigured as error:
        raise StepFailed(str(error), "Correct the settings.", "settings") from error
    except TenantError as error:
        mend = (
            "Run the command for one tenant: with --tenant, or, with django-tenants, as manage.py "
            "tenant_command sockgate_doctor."
        )
        raise StepFailed(str(error), mend, "doctor-tenant") from error
    except DatabaseError as error:
        cause = f"The database refuses: {error}"
        raise StepFailed(
            cause, "Check DATABASES, and run manage.py migrate.", "settings"
        ) from error
