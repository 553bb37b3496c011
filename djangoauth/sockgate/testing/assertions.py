"""The assertions of test cases about what was published."""

from typing import Any

from .publications import ANY_DATA, CapturedPublications, Publication


class PublicationAssertions:
    """Asserts about ``self.publications``, those of the test so far, ``setUp`` included."""

    publications: CapturedPublications

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
        self._run_callbacks()
        return self.publications.assert_published(to, event, data, times=times)

    def assertTouched(self, to: Any, *, times: int = 1) -> list[Publication]:  # noqa: N802
        """Check that a channel was touched ``times`` times, as ``assertPublished`` does."""
        self._run_callbacks()
        return self.publications.assert_touched(to, times=times)

    def assertNothingPublished(self, to: Any = None) -> None:  # noqa: N802
        """Check that nothing was published to a recipient, or to nobody at all."""
        self._run_callbacks()
        self.publications.assert_nothing_published(to)

    def _run_callbacks(self) -> None:
        """Run callbacks of ``on_commit`` where the test never commits."""
