"""Django under gunicorn, with the namespaces written to Redis first."""

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
call_command("sockgate_sync", verbosity=0)
