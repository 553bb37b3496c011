"""The Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DjangoauthConfig(AppConfig):
    """Sockgate in a Django project."""

    name = "djangoauth"
    verbose_name = _("Sockgate")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the signals and register the system checks."""
        from . import checks, deploy_checks, redis_checks, signals  # noqa: F401

        signals.connect()
