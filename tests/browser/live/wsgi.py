"""The site as gunicorn runs it. A page takes 25 ms, and static files are served, too."""

from time import monotonic, sleep

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application

PAGE_S = 0.025

_site = StaticFilesHandler(get_wsgi_application())


def application(environ, start_response):
    began = monotonic()
    answer = _site(environ, start_response)
    if not environ["PATH_INFO"].startswith("/static/"):
        sleep(max(0.0, began + PAGE_S - monotonic()))  # What a database would take.
    return answer
