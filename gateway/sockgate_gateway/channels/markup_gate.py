"""Drop markup that Django has not signed, before a page can insert it.

Strategy: ``read_publication`` marks what a page would take for an event with markup, in any form of
JSON, as ``MarkupPayload``. Only that is verified, and what is verified is what is delivered. The
history in Redis is checked in the same way, because it may hold what nobody has verified.
"""

import logging
from collections import Counter

from msgspec.structs import replace

from ..loop.hint_log import HintLog
from ..wire.documentation import address_of
from ..wire.errors import MarkupError
from ..wire.markup import PLAIN_MAX_AGE_S, MarkupSigner
from ..wire.markup_payload import MarkupPayload
from ..wire.names import Names, owner_of
from ..wire.publication import Publication
from .channel import Channel
from .history import HistoryReply

log = logging.getLogger("sockgate.hub")

_UNSIGNED = (
    "publish it by publish_html or publish_to of Django, by a Publisher with signing_keys, or sign "
    f"it as {address_of('protocol.md#to-push-markup')} says"
)
_HINTS = {
    "unsigned": _UNSIGNED,
    "forged": "it needs a key of SOCKGATE_SIGNING_KEYS, and is good for one channel; " + _UNSIGNED,
    "expired": "it was signed too long ago: compare the clocks of the hosts, and the age of the "
    "namespace in SOCKGATE['NAMESPACES']",
    "future": "it is dated ahead: compare the clocks of the hosts",
}


class MarkupGate:
    """Verify markup.

    Args:
        names: of Redis channels.
        signer: has the signing keys.

    ``refused`` counts publications that were dropped, by cause.
    """

    def __init__(self, names: Names, signer: MarkupSigner) -> None:
        self._names = names
        self._signer = signer
        self._hints = HintLog(log, "markup_refused")
        self.refused: Counter[str] = Counter(dict.fromkeys(_HINTS, 0))

    def admit(self, channel: Channel, publication: Publication) -> Publication:
        """Return a publication with markup as pages may receive it.

        Raises:
            MarkupError: it is dropped; this is counted, and logged.
        """
        max_age_s: float = PLAIN_MAX_AGE_S
        if publication.offset and channel.policy.recover:
            max_age_s = max(channel.policy.age, PLAIN_MAX_AGE_S)
        redis_channel = self._names.channel(channel.name)
        try:
            payload = self._signer.verify(redis_channel, publication.payload, max_age_s)
        except MarkupError as error:
            self._refuse(channel, error.cause)
            raise
        return replace(publication, payload=payload)

    def admit_history(self, channel: Channel, reply: HistoryReply) -> HistoryReply:
        """Return a reply whose refused publications keep their offsets without a payload."""
        if not any(isinstance(found.payload, MarkupPayload) for found in reply.recent):
            return reply
        recent = tuple([self._admit_kept(channel, found) for found in reply.recent])
        return HistoryReply(reply.position, recent)

    def _admit_kept(self, channel: Channel, kept: Publication) -> Publication:
        if not isinstance(kept.payload, MarkupPayload):
            return kept
        try:
            return self.admit(channel, kept)
        except MarkupError:
            return Publication(b"", kept.epoch, kept.offset)

    def _refuse(self, channel: Channel, cause: str) -> None:
        self.refused[cause] += 1
        if self._hints.is_due(f"{channel.name} {cause}", owner_of(channel.name)):
            self._hints.warn("channel=%s cause=%s", channel.name, cause, hint=_HINTS[cause])
