"""The form that composes a broadcast in Django's admin."""

import json
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminRadioSelect, AdminTextareaWidget, AdminTextInputWidget
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from sockgate_gateway.wire.errors import ChannelNameError
from sockgate_gateway.wire.events import is_markup
from sockgate_gateway.wire.names import BROADCAST, group_channel, user_channel

from ... import conf
from ...errors import EventNameError, PublicationInvalid, PublicationTooLarge
from ...models import Broadcast
from ...users.permissions import groups_field
from ...users.recipients import uid_of
from .drafts import Draft

Audience = Broadcast.Audience

TEXT, JSON = "text", "json"


class BroadcastForm(forms.Form):
    """Audience, event and data of a broadcast; ``draft`` is the result of a valid form."""

    audience = forms.ChoiceField(
        label=_("To"), choices=Audience.choices, widget=AdminRadioSelect({"class": "radiolist"})
    )
    group = forms.ModelChoiceField(
        label=_("Group"),
        queryset=Group.objects.order_by("name"),
        to_field_name="name",
        required=False,
    )
    username = forms.CharField(
        label=_("User"),
        required=False,
        widget=AdminTextInputWidget(),
        help_text=_("The name with which the user logs in."),
    )
    event = forms.CharField(
        label=_("Event"),
        max_length=100,
        widget=AdminTextInputWidget(),
        help_text=_("What the page listens to, say news."),
    )
    kind = forms.ChoiceField(
        label=_("Data is"),
        choices=((TEXT, _("plain text")), (JSON, _("JSON"))),
        initial=TEXT,
        widget=AdminRadioSelect({"class": "radiolist"}),
    )
    text = forms.CharField(
        label=_("Data"), strip=False, widget=AdminTextareaWidget({"spellcheck": "false"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not (conf.current().groups and groups_field()):
            self._leave_out_groups()

    def _leave_out_groups(self) -> None:
        choices = [choice for choice in Audience.choices if choice[0] != Audience.GROUP]
        self.fields["audience"].choices = choices  # type: ignore[attr-defined]
        del self.fields["group"]

    @property
    def draft(self) -> Draft:
        """The composed draft of a valid form."""
        draft: Draft = self.cleaned_data["draft"]
        return draft

    @staticmethod
    def initial_of(draft: Draft) -> dict[str, str]:
        """Return the initial values of a form that edits a draft."""
        return {
            "audience": draft.audience,
            "group": draft.recipient if draft.audience == Audience.GROUP else "",
            "username": draft.recipient if draft.audience == Audience.USER else "",
            "event": draft.event,
            "kind": JSON if draft.is_json else TEXT,
            "text": draft.text,
        }

    def clean_username(self) -> Any:
        """Find the user; None without a name."""
        username, users = self.cleaned_data["username"], get_user_model()
        if not username:
            return None
        try:
            return users._default_manager.get_by_natural_key(username)
        except users.DoesNotExist:
            raise ValidationError(_("There is no such user."), code="unknown") from None

    def clean_event(self) -> str:
        """Refuse events that pages insert as markup: what is typed here is text, or JSON."""
        event = str(self.cleaned_data["event"])
        if is_markup(event):
            message = _(
                "Pages insert the data of this event as markup, which only code of the site may "
                "send: publish_html or publish_to. Choose another event."
            )
            raise ValidationError(message, code="markup")
        return event

    def clean_text(self) -> str:
        """Restore the line ends as they were typed: browsers send CRLF."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        """Make a draft of the fields, and check that it can be sent."""
        if not self.errors:
            self._check_audience()
            self._check_json()
        if not self.errors:
            self.cleaned_data["draft"] = self._make_draft()
            self._check_payload()
        return self.cleaned_data

    def _check_audience(self) -> None:
        # A group or user next to another audience is more likely a mistake than intended.
        audience = self.cleaned_data["audience"]
        for field, kind in (("group", Audience.GROUP), ("username", Audience.USER)):
            is_chosen, has_value = audience == kind, bool(self.cleaned_data.get(field))
            if is_chosen and not has_value:
                self.add_error(field, ValidationError(_("Say which one."), code="required"))
            if has_value and not is_chosen:
                message = _("This is not whom you send to: clear it, or choose it above.")
                self.add_error(field, ValidationError(message, code="contradiction"))

    def _check_json(self) -> None:
        if self.cleaned_data["kind"] != JSON:
            return
        try:
            json.loads(self.cleaned_data["text"])
        except json.JSONDecodeError as error:
            message = _("Not JSON: line %(line)d, column %(column)d: %(problem)s.")
            place = {"line": error.lineno, "column": error.colno, "problem": error.msg}
            self.add_error("text", ValidationError(message, code="invalid_json", params=place))
        except RecursionError:
            self.add_error("text", ValidationError(_("It is nested too deep."), code="too_deep"))
        except ValueError as error:
            self.add_error("text", ValidationError(str(error), code="invalid_json"))

    def _make_draft(self) -> Draft:
        recipient, channel = self._recipient()
        return Draft(
            audience=self.cleaned_data["audience"],
            recipient=recipient,
            channel=channel,
            event=self.cleaned_data["event"],
            is_json=self.cleaned_data["kind"] == JSON,
            text=self.cleaned_data["text"],
        )

    def _recipient(self) -> tuple[str, str]:
        audience, user = self.cleaned_data["audience"], self.cleaned_data["username"]
        if audience == Audience.USER:
            return user.get_username(), user_channel(uid_of(user))
        if audience == Audience.GROUP:
            name = self.cleaned_data["group"].name
            return name, self._group_channel(name)
        return "", BROADCAST

    def _group_channel(self, name: str) -> str:
        try:
            return group_channel(name)
        except ChannelNameError:
            message = _("The name of this group is too long for a channel.")
            self.add_error("group", ValidationError(message, code="too_long"))
            return ""

    def _check_payload(self) -> None:
        try:
            self.draft.payload  # noqa: B018
        except PublicationTooLarge as error:
            self.add_error("text", ValidationError(str(error), code="too_large"))
        except EventNameError as error:
            self.add_error("event", ValidationError(str(error), code="reserved"))
        except PublicationInvalid as error:
            self.add_error("text", ValidationError(str(error), code="invalid_json"))
