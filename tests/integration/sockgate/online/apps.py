"""The app's configuration: connects the receivers."""

import os
import time
from pathlib import Path
from typing import Any

from django.apps import AppConfig

STUCK = "stuck"
"""A receiver hangs while a file of this name is in the folder."""


class OnlineConfig(AppConfig):
    """Receivers that write a line for each call: process, user, state."""

    name = "tests.integration.sockgate.online"

    def ready(self) -> None:
        """Connect the receivers."""
        from sockgate.signals import user_offline, user_online

        user_online.connect(write_online, dispatch_uid="online")
        user_offline.connect(write_offline, dispatch_uid="offline")


def write_online(*, user_id: str, **rest: Any) -> None:
    """Write that a user is online."""
    _write(user_id, "online", **rest)


def write_offline(*, user_id: str, **rest: Any) -> None:
    """Write that a user is offline."""
    _write(user_id, "offline", **rest)


def _write(user_id: str, state: str, *, tenant: str, at: Any, **_: Any) -> None:
    folder = Path(os.environ["ONLINE_FOLDER"])
    assert at.tzinfo is not None
    with (folder / "calls").open("a") as file:
        file.write(f"{os.getpid()} {user_id} {state} {tenant}\n")
    while (folder / STUCK).exists():
        time.sleep(0.05)  # The test ends it, or kills the process.
    if user_id == "bad":
        raise ValueError("a receiver that fails")
