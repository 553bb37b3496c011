"""One row for each broadcast that was sent from the admin; and *Live connections*, without rows."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Broadcast(models.Model):
    """A broadcast sent from the admin, kept as evidence: sender, time, audience and payload.

    The row is committed before the publication is sent. A row without ``sent_at`` is a broadcast
    that Redis did not confirm: it may or may not have been delivered.
    """

    class Audience(models.TextChoices):
        """The audience of a broadcast."""

        EVERYONE = "everyone", _("everyone")
        GROUP = "group", _("one group")
        USER = "user", _("one user")

    id = models.BigAutoField(primary_key=True)
    nonce = models.CharField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(_("confirmed at"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("sent by"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
    )
    # Names are copied, so that the row can be read after the user or the group was deleted.
    sender = models.CharField(_("sender"), max_length=255)
    audience = models.CharField(_("audience"), max_length=8, choices=Audience.choices)
    recipient = models.CharField(_("recipient"), max_length=255, blank=True)
    channel = models.CharField(_("channel"), max_length=255)
    event = models.CharField(_("event"), max_length=100)
    # Text, not JSONField: exactly these characters were published.
    payload = models.TextField(_("payload"))
    connections = models.PositiveIntegerField(_("connections"), null=True)
    workers = models.PositiveIntegerField(_("workers"), null=True)

    class Meta:
        """Rows are evidence: they can be viewed, or added by sending."""

        verbose_name = _("broadcast")
        verbose_name_plural = _("broadcasts")
        default_permissions = ("view",)
        permissions = (("send_broadcast", _("Can send a broadcast")),)
        get_latest_by = "created_at"
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.event} → {self.recipient or self.get_audience_display()}"


class Connection(Broadcast):
    """The place of *Live connections* in the admin, and its permissions.

    It is a proxy because it has no table: with one that does not exist, ``dumpdata`` would fail.
    """

    class Meta:
        """Staff may look, or act as well."""

        proxy = True
        verbose_name = _("live connection")
        verbose_name_plural = _("live connections")
        default_permissions = ()
        permissions = (
            ("view_connections", _("Can view live connections")),
            ("disconnect_connections", _("Can disconnect live connections")),
        )
