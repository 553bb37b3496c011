"""``BroadcastAdmin``: compose, preview and send a broadcast; afterwards view its row."""

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature, SignatureExpired
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ...channels.audience import count_connections
from ...models import Broadcast
from ...redis_clients import redis_errors
from ..transactions import never_atomic
from .drafts import Draft, Sealed, seal, send, unseal
from .forms import BroadcastForm

if TYPE_CHECKING:
    _BroadcastAdmin = admin.ModelAdmin[Broadcast]
else:
    _BroadcastAdmin = admin.ModelAdmin


class BroadcastAdmin(_BroadcastAdmin):
    """Users with ``sockgate.send_broadcast`` add rows; rows cannot be changed or deleted."""

    list_display = ("created_at", "sender", "recipients", "event", "connections", "is_sent")
    list_filter = ("audience", "created_at")
    search_fields = ("sender", "recipient", "event")
    date_hierarchy = "created_at"
    fieldsets = (
        (None, {"fields": ("sender", "created_at", "sent_at")}),
        (_("Audience"), {"fields": ("recipients", "channel", "connections", "workers")}),
        (_("Publication"), {"fields": ("event", "published")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Adding a row sends a broadcast."""
        return request.user.has_perm("sockgate.send_broadcast")

    def has_view_permission(self, request: HttpRequest, obj: Broadcast | None = None) -> bool:
        """Users who may send may view the rows too."""
        return super().has_view_permission(request, obj) or self.has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Broadcast | None = None) -> bool:
        """Rows are evidence, so they stay as they are."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Broadcast | None = None) -> bool:
        """Rows are evidence, so they stay as they are."""
        return False

    @admin.display(description=_("to"), ordering="recipient")
    def recipients(self, row: Broadcast) -> str:
        """Show the audience, and its recipient if there is one."""
        audience = str(row.get_audience_display())
        return f"{audience}: {row.recipient}" if row.recipient else audience

    @admin.display(description=_("sent"), boolean=True)
    def is_sent(self, row: Broadcast) -> bool:
        """Show that Redis confirmed the publication."""
        return row.sent_at is not None

    @admin.display(description=_("published"))
    def published(self, row: Broadcast) -> str:
        """Show the payload, indented."""
        text = json.dumps(json.loads(row.payload), indent=2, ensure_ascii=False)
        return format_html(
            '<textarea readonly rows="12" class="vLargeTextField">{}</textarea>', text
        )

    # Not in the request's transaction: the row must be committed before the publication is sent.
    @never_atomic
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form; preview a valid form; send a confirmed preview."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if "sealed" in request.POST:
            return self._confirm(request, request.POST["sealed"])
        form = BroadcastForm(request.POST or None)
        if form.is_valid():
            return self._preview(request, form.draft, seal(form.draft, request.user))
        return self._compose(request, form)

    def _compose(self, request: HttpRequest, form: BroadcastForm) -> HttpResponse:
        fieldsets = [(None, {"fields": list(form.fields)})]
        context = {
            **self._context(request, _("Compose broadcast")),
            # The stubs want a model form, but any form works.
            "adminform": AdminForm(form, fieldsets, {}, model_admin=self),  # type: ignore[arg-type]
            "errors": [error for errors in form.errors.values() for error in errors],
            "media": self.media + form.media,
            "add": True,
        }
        return TemplateResponse(request, "admin/sockgate/compose.html", context)

    def _preview(self, request: HttpRequest, draft: Draft, text: str) -> HttpResponse:
        try:
            connections: int | None = count_connections(draft.channel)
        except redis_errors.RedisError:
            connections = None
        context = {
            **self._context(request, _("Preview broadcast")),
            "draft": draft,
            "audience": Broadcast.Audience(draft.audience).label,
            "connections": connections,
            "sealed": text,
        }
        return TemplateResponse(request, "admin/sockgate/preview.html", context)

    def _context(self, request: HttpRequest, title: Any) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}

    def _confirm(self, request: HttpRequest, text: str) -> HttpResponse:
        try:
            sealed = unseal(text, request.user)
        except SignatureExpired:
            return self._edit_expired(request, text)
        except BadSignature:
            raise PermissionDenied("not a preview of this user") from None
        if "_edit" in request.POST:
            return self._edit(request, sealed.draft)
        return self._send(request, sealed, text)

    def _edit_expired(self, request: HttpRequest, text: str) -> HttpResponse:
        self.message_user(request, _("The preview is too old. Look again."), messages.WARNING)
        return self._edit(request, unseal(text, request.user, max_age_s=None).draft)

    def _edit(self, request: HttpRequest, draft: Draft) -> HttpResponse:
        return self._compose(request, BroadcastForm(initial=BroadcastForm.initial_of(draft)))

    def _send(self, request: HttpRequest, sealed: Sealed, text: str) -> HttpResponse:
        try:
            row, is_new = send(sealed, request.user)
        except redis_errors.RedisError:
            return self._report_failure(request, sealed, text)
        if is_new:
            self.log_addition(request, row, [{"added": {}}])
            self.message_user(request, _sent_message(row), messages.SUCCESS)
        else:
            note = _("This broadcast was sent before. It was not sent again.")
            self.message_user(request, note, messages.WARNING)
        return self._redirect_to(row)

    def _report_failure(self, request: HttpRequest, sealed: Sealed, text: str) -> HttpResponse:
        row = Broadcast.objects.filter(nonce=sealed.nonce).first()
        if row is None:
            note = _("Redis does not answer. Nothing was sent; try again.")
            self.message_user(request, note, messages.ERROR)
            return self._preview(request, sealed.draft, text)
        self.log_addition(request, row, [{"added": {}}])
        note = _("Redis did not confirm it. It may or may not have arrived.")
        self.message_user(request, note, messages.ERROR)
        return self._redirect_to(row)

    def _redirect_to(self, row: Broadcast) -> HttpResponse:
        name = f"{self.admin_site.name}:sockgate_broadcast_change"
        return redirect(reverse(name, args=[row.pk]))


def _sent_message(row: Broadcast) -> str:
    count = row.connections or 0
    sentence = ngettext("Sent to %(count)d connection.", "Sent to %(count)d connections.", count)
    return sentence % {"count": count}
