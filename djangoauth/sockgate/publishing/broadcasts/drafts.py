"""Drafts: a broadcast between the form, the preview and the sending.

A previewed draft is sealed: signed, for one sender, for an hour, with a nonce. So the draft that is
sent is the one that was shown. The nonce is stored in the row of the broadcast. A second click on
the button finds the row of the first, and nothing is sent twice.
"""

import json
from dataclasses import asdict, dataclass
from secrets import token_urlsafe
from typing import Any

from django.core import signing
from django.utils import timezone
from sockgate_gateway.wire.publication import Publication, publication_frame, publication_head

from ...channels.audience import count_connections
from ...models import Broadcast
from ...tenants import qualify
from ..calls import encode, publish_to

MAX_AGE_S = 3600

_SALT = "sockgate.broadcasts.drafts"


@dataclass(frozen=True, slots=True)
class Draft:
    """A composed broadcast. ``text`` is JSON when ``is_json``, else it is the data itself."""

    audience: str
    recipient: str
    channel: str
    event: str
    is_json: bool
    text: str

    @property
    def data(self) -> Any:
        """The data that the handlers of pages receive."""
        return json.loads(self.text) if self.is_json else self.text

    @property
    def payload(self) -> str:
        """The payload that is published.

        Raises:
            PublicationError: the draft cannot be published; see ``publishing.encoding``.
        """
        return encode(self.event, self.data).decode()

    @property
    def frame(self) -> str:
        """The frame that browsers receive."""
        publication = Publication(self.payload.encode())
        return publication_frame(publication_head(self.channel), publication).decode()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A previewed draft, and the nonce with which it is sent once."""

    draft: Draft
    nonce: str


def seal(draft: Draft, sender: Any) -> str:
    """Sign a draft for the form that confirms it."""
    fields = {"draft": asdict(draft), "nonce": token_urlsafe(16), "sender": qualify(str(sender.pk))}
    return signing.dumps(fields, salt=_SALT, compress=True)


def unseal(text: str, sender: Any, max_age_s: int | None = MAX_AGE_S) -> Sealed:
    """Read a text of ``seal``.

    Raises:
        django.core.signing.SignatureExpired: the preview is too old.
        django.core.signing.BadSignature: the signature is wrong, or is for another sender.
    """
    fields = signing.loads(text, salt=_SALT, max_age=max_age_s)
    if fields["sender"] != qualify(str(sender.pk)):
        raise signing.BadSignature("sealed for another sender")
    return Sealed(Draft(**fields["draft"]), fields["nonce"])


def send(sealed: Sealed, sender: Any) -> tuple[Broadcast, bool]:
    """Send a draft unless it was sent before; call this outside of a transaction.

    The row is committed before the publication is sent, so that nothing is sent without a row.

    Returns:
        The row, and True when this call created it.

    Raises:
        redis.RedisError: Redis fails or does not answer. Without a row of the nonce, nothing was
            sent.
    """
    connections = count_connections(sealed.draft.channel)
    row, is_new = Broadcast.objects.get_or_create(
        nonce=sealed.nonce, defaults=_fields(sealed.draft, sender)
    )
    if is_new:
        _publish(row, sealed.draft, connections)
    return row, is_new


def _fields(draft: Draft, sender: Any) -> dict[str, Any]:
    return {
        "sent_by": sender,
        "sender": sender.get_username(),
        "audience": draft.audience,
        "recipient": draft.recipient,
        "channel": draft.channel,
        "event": draft.event,
        "payload": draft.payload,
    }


def _publish(row: Broadcast, draft: Draft, connections: int) -> None:
    row.workers = publish_to(draft.channel, draft.event, draft.data, on_commit=False)
    row.connections = connections
    row.sent_at = timezone.now()
    row.save(update_fields=["workers", "connections", "sent_at"])
