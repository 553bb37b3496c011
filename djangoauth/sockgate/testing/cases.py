"""``RealtimeTestCase``, which needs no server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import DEFAULT_DB_ALIAS
from django.test import TestCase

from .assertions import PublicationAssertions
from .capture import capturing
from .commits import CommitRunner
from .memory import forget_memory
from .publications import CapturedPublications


class RealtimeTestCase(PublicationAssertions, TestCase):
    """A ``TestCase`` that captures publications, and needs no server."""

    _commits: ClassVar[CommitRunner]

    def run(self, result: Any = None) -> Any:
        """Run the test while publications are captured."""
        type(self)._commits = CommitRunner()
        forget_memory()
        with capturing(CapturedPublications()) as self.publications:
            return super().run(result)

    def _run_callbacks(self) -> None:
        self._commits.run()

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
