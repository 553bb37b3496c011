"""A Django site as `startproject` makes it, with the wheel."""

import sys
from pathlib import Path

from tests.release.archives import CLIENT
from tests.release.commands import expect, run

SETTINGS = """
INSTALLED_APPS += ["sockgate"]
SESSION_ENGINE = "sockgate.sessions.redis"
SOCKGATE = {"SIGNING_KEYS": ["k" * 48], "GATEWAY_URL": "http://localhost:8001/realtime"}
"""

URLS = """
from django.urls import include

urlpatterns.append(path("realtime/", include("sockgate.urls")))
"""

PAGE = """
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.template import Context, Template
from django.test import RequestFactory

request = RequestFactory().get("/")
request.session, request.user = SessionStore(), AnonymousUser()
print(Template("{% load sockgate %}{% sockgate_client %}").render(Context({"request": request})))
"""


def check(wheel: Path, folder: Path) -> None:
    """Install the wheel, check the project, and render a page with the tag."""
    folder.mkdir(parents=True)
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    python = programs / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    run(programs / "django-admin", "startproject", "mysite", folder, cwd=folder)
    _append(folder / "mysite" / "settings.py", SETTINGS)
    _append(folder / "mysite" / "urls.py", URLS)
    run(python, "manage.py", "check", cwd=folder)
    for name in CLIENT:
        run(python, "manage.py", "findstatic", f"sockgate/{name}", cwd=folder)
    page = run(python, "manage.py", "shell", "--no-imports", "-c", PAGE, cwd=folder)
    expect(
        page, 'data-sockgate="client"', "/static/sockgate/sockgate.js", "/static/sockgate/badge.js"
    )
    expect(run(programs / "sockgate", "--help", cwd=folder), "--check-config")


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)
