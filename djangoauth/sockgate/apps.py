"""The app's configuration: connects the signals and registers the system checks."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SockgateConfig(AppConfig):
    """Sockgate in a Django project."""

    name = "sockgate"
    verbose_name = _("Sockgate")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the signals and register the system checks."""
        from . import conf, signals
        from .checks import (  # noqa: F401  (each registers its checks)
            deploy,
            development,
            live,
            pages,
            redis,
            settings,
        )
        from .live import request_start

        conf.mask_settings()
        signals.connect()
        request_start.connect()
