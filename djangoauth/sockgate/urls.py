"""The addresses of the views: ``path("realtime/", include("sockgate.urls"))``."""

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.urls import path

from . import views

if not apps.is_installed("sockgate"):
    raise ImproperlyConfigured(
        'sockgate.urls is included, but "sockgate" is not in INSTALLED_APPS: add it. Without the '
        "app, a new password or a deactivated user would close no connection."
    )

app_name = "sockgate"
urlpatterns = [
    path("token/", views.token, name="token"),
    path("grant/", views.grant, name="grant"),
    path("session/", views.session, name="session"),
    path("progress/", views.progress, name="progress"),
]
