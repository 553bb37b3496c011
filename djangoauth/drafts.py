"""A broadcast between the form and the sending: shown once as it will be, then sent once.

A draft that was previewed is sealed: signed, for one sender, for an hour, with a nonce that its
row in the database keeps, so that what is sent is what was shown, and a second press of the
button finds the row of the first.
"""

import json
from dataclasses import asdict, dataclass
from secrets import token_urlsafe
from typing import Any

from django.core import signing
from django.utils import timezone

from gateway.wire.publication import Publication, publication_frame, publication_head

from .audience import count_connections
from .models import Broadcast
from .publishing import encode, publish_to

MAX_AGE_S = 3600

_SALT = "djangoauth.drafts"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a sender composed. ``text`` is JSON when ``is_json``, else it is the data itself."""

    audience: str
    recipient: str
    channel: str
    event: str
    is_json: bool
    text: str

    @property
    def data(self) -> Any:
        """What a page's handler is given."""
        return json.loads(self.text) if self.is_json else self.text

    @property
    def payload(self) -> str:
        """What is published.

        Raises:
            PublicationError: it cannot be: see ``publishing.encode``.
        """
        return encode(self.event, self.data).decode()

    @property
    def frame(self) -> str:
        """What browsers receive."""
        publication = Publication(self.payload.encode())
        return publication_frame(publication_head(self.channel), publication).decode()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A draft that was previewed, and the nonce that lets it be sent once."""

    draft: Draft
    nonce: str


def seal(draft: Draft, sender: Any) -> str:
    """Sign a draft for the form that confirms it."""
    fields = {"draft": asdict(draft), "nonce": token_urlsafe(16), "sender": str(sender.pk)}
    return signing.dumps(fields, salt=_SALT, compress=True)


def unseal(text: str, sender: Any, max_age_s: int | None = MAX_AGE_S) -> Sealed:
    """Read what ``seal`` gave.

    Raises:
        django.core.signing.SignatureExpired: the preview is too old.
        django.core.signing.BadSignature: it is not ours, or was made for another sender.
    """
    fields = signing.loads(text, salt=_SALT, max_age=max_age_s)
    if fields["sender"] != str(sender.pk):
        raise signing.BadSignature("sealed for another sender")
    return Sealed(Draft(**fields["draft"]), fields["nonce"])


def send(sealed: Sealed, sender: Any) -> tuple[Broadcast, bool]:
    """Send a draft unless it was sent before; call it outside of a transaction.

    The row is there before the publication leaves: nothing is ever sent without a trace.

    Returns:
        Its row, and whether this call made it.

    Raises:
        redis.RedisError: Redis cannot be asked. Without a row of its nonce, nothing was sent.
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
