"""What the fixture ``publications`` returns."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .capture import capturing
from .commits import CommitRunner
from .publications import ANY_DATA, CapturedPublications, Publication


class Publications(CapturedPublications):
    """Captured publications; an assertion runs the callbacks of ``on_commit`` before."""

    def __init__(self) -> None:
        super().__init__()
        self._commits = CommitRunner()

    def assert_published(
        self, to: Any, event: str, data: Any = ANY_DATA, *, times: int = 1
    ) -> list[Publication]:
        """Check that an event was published to a recipient ``times`` times."""
        self.run_commits()
        return super().assert_published(to, event, data, times=times)

    def assert_nothing_published(self, to: Any = None) -> None:
        """Check that nothing was published."""
        self.run_commits()
        super().assert_nothing_published(to)

    def run_commits(self) -> None:
        """Run the callbacks of ``on_commit`` now. The assertions do so themselves."""
        self._commits.run()


@contextmanager
def publications_of_test() -> Iterator[Publications]:
    """Capture publications until the end of the test."""
    captured = Publications()
    with capturing(captured):
        yield captured
