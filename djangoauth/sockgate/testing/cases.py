"""``RealtimeTestCase``, which needs no server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import DEFAULT_DB_ALIAS
from django.test import TestCase

from .capture import capturing
from .commits import CommitRunner
from .memory import forget_memory
from .publications import ANY_DATA, CapturedPublications, Publication


class RealtimeTestCase(TestCase):
    """A ``TestCase`` that captures publications, and needs no server.

    ``self.publications`` are those of the test so far, ``setUp`` included.
    """

    publications: CapturedPublications
    _commits: ClassVar[CommitRunner]

    def run(self, result: Any = None) -> Any:
        """Run the test while publications are captured."""
        type(self)._commits = CommitRunner()
        forget_memory()
        with capturing(CapturedPublications()) as self.publications:
            return super().run(result)

    def assertPublished(  # noqa: N802
        self, to: Any, event: str, data: Any = ANY_DATA, *, times: int = 1
    ) -> list[Publication]:
        """Check that an event was published ``times`` times, and return the publications.

        Callbacks of ``on_commit`` run before.

        Args:
            to: a user, a primary key as a number, a group, or a channel's name.
            event: its name.
            data: as it was passed to ``publish``; default: any.
            times: how often.
        """
        self._commits.run()
        return self.publications.assert_published(to, event, data, times=times)

    def assertTouched(self, to: Any, *, times: int = 1) -> list[Publication]:  # noqa: N802
        """Check that a channel was touched ``times`` times, as ``assertPublished`` does."""
        self._commits.run()
        return self.publications.assert_touched(to, times=times)

    def assertNothingPublished(self, to: Any = None) -> None:  # noqa: N802
        """Check that nothing was published to a recipient, or to nobody at all."""
        self._commits.run()
        self.publications.assert_nothing_published(to)

    @classmethod
    @contextmanager
    def captureOnCommitCallbacks(  # noqa: N802
        cls, *, using: str = DEFAULT_DB_ALIAS, execute: bool = False
    ) -> Iterator[Any]:
        """Do as Django's; what runs here does not run again in ``assertPublished``."""
        with super().captureOnCommitCallbacks(using=using, execute=execute) as callbacks:
            yield callbacks
        if execute:
            cls._commits.skip()
