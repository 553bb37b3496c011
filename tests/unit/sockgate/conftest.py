"""Fixtures for the unit tests of the Django app."""

import pytest
from django.core import mail


@pytest.fixture
def no_test_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the settings have the defaults of a site that runs, instead of those of a test run."""
    monkeypatch.delattr(mail, "outbox")
