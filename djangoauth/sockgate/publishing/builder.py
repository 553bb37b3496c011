"""Building publications from the arguments of a call: checked, encoded, kept or not. Pure."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypedDict

from sockgate_gateway.wire.events import HTML, SIGNATURE_BYTES, TOUCH_PAYLOAD, is_markup
from sockgate_gateway.wire.names import check_channel
from sockgate_gateway.wire.namespaces import Namespaces
from sockgate_gateway.wire.publish_request import PublishRequest
from sockgate_gateway.wire.tenants import in_tenant

from ..errors import PublicationInvalid
from .coalescing import coalescing_of
from .encoding import encode, encode_own
from .exclusion import Excludable, excluded_connection

if TYPE_CHECKING:
    from sockgate_gateway.wire.markup import MarkupSigner

MAX_IDEMPOTENCY_KEY_LENGTH = 255


class PublishOptions(TypedDict, total=False):
    """Options that every publishing call takes.

    ``sequenced``: True keeps the publication, in order, for browsers that reconnect. None, the
    default, does as the channel's namespace says.

    ``idempotency_key``: a text of 1 to 255 characters. With it, repeated calls within an hour
    publish once on a channel, so that a task may run again. The publication is sequenced.

    ``tenant``: the tenant to publish to; None, the default, is the current tenant.

    ``exclude``: the request whose page does not receive the publication, or the id of a connection
    (``rt.connection``); see ``exclusion.excluded_connection``.

    ``coalesce``: a key, such as ``order:7``: 1 to 64 printable ASCII characters without ``#``. Of
    the publications with one key on a channel, a page receives at most one in ``within`` seconds,
    and receives the last one. The publication is plain.

    ``within``: the seconds for ``coalesce``, 0.001 to 60; default: 0.1.
    """

    sequenced: bool | None
    idempotency_key: str | None
    tenant: str | None
    exclude: Excludable | None
    coalesce: str | None
    within: float


def _no_tenant(chosen: str | None) -> str:
    if chosen is not None:
        raise PublicationInvalid("there are no tenants here")
    return ""


class PublicationBuilder:
    """Build publications.

    Args:
        namespaces: returns the policies.
        max_payload: the limit of one payload in bytes.
        tenant_for: returns the tenant for the ``tenant`` option of a call; empty without tenants.
        markup_signer: returns the signer of markup; None: there are no signing keys.
    """

    def __init__(
        self,
        namespaces: Callable[[], Namespaces],
        max_payload: int,
        tenant_for: Callable[[str | None], str] = _no_tenant,
        markup_signer: "Callable[[], MarkupSigner | None]" = lambda: None,
    ) -> None:
        self._namespaces = namespaces
        self._max_payload = max_payload
        self._tenant_for = tenant_for
        self._markup_signer = markup_signer

    def build(self, channel: str, event: str, data: Any, how: PublishOptions) -> PublishRequest:
        """Build one publication.

        Raises:
            TypeError: ``how`` has an unknown keyword.
            PublicationInvalid: the data has no JSON form, an option has a bad value, or the event
                has markup and there are no signing keys.
            PublicationTooLarge: the payload is over the limit.
            ChannelNameError: the text is not a channel name.
        """
        return self.build_each([channel], event, data, how)[0]

    def build_each(
        self, channels: Iterable[str], event: str, data: Any, how: PublishOptions
    ) -> list[PublishRequest]:
        """Build the same publication for each channel; the data is encoded once."""
        _check_keywords(how)
        if isinstance(event, str) and is_markup(event):
            payload = encode(event, data, self._max_payload - SIGNATURE_BYTES)
            return self._build_each(channels, payload, how, self._signer_of(event))
        return self._build_each(channels, encode(event, data, self._max_payload), how)

    def build_html(self, channel: str, data: Any, how: PublishOptions) -> PublishRequest:
        """Build the publication of a rendered fragment; raises as ``build``."""
        _check_keywords(how)
        payload = encode_own(HTML, data, self._max_payload - SIGNATURE_BYTES)
        return self._build_each([channel], payload, how, self._signer_of(HTML))[0]

    def _signer_of(self, event: str) -> "MarkupSigner":
        signer = self._markup_signer()
        if signer is None:
            raise PublicationInvalid(_NO_KEYS.format(event))
        return signer

    def _build_each(
        self,
        channels: Iterable[str],
        payload: bytes,
        how: PublishOptions,
        markup: "MarkupSigner | None" = None,
    ) -> list[PublishRequest]:
        key = how.get("idempotency_key")
        is_sequenced, namespaces = _is_sequenced(how), self._namespaces()
        excluded = excluded_connection(how.get("exclude"))
        coalescing = coalescing_of(how.get("coalesce"), how.get("within"))

        def request_for(channel: str) -> PublishRequest:
            is_kept = namespaces.is_sequenced(channel) if is_sequenced is None else is_sequenced
            policy = namespaces.of(channel) if is_kept else None
            if policy is None and not namespaces.of(channel).plain:
                raise PublicationInvalid(_PLAIN_REFUSED.format(channel))
            if policy is not None and coalescing is not None:
                raise PublicationInvalid(_KEPT_AND_COALESCED.format(channel))
            return PublishRequest(
                in_tenant(tenant, channel), payload, policy, key, excluded, coalescing, markup
            )

        tenant = self._tenant_for(how.get("tenant"))
        return [request_for(check_channel(channel)) for channel in channels]

    def build_touch(self, channel: str, tenant: str | None) -> PublishRequest:
        """Build a touch: always plain, because it says nothing that a page could miss but "load".

        Raises:
            PublicationInvalid: there are no tenants here.
            ChannelNameError: the text is not a channel name.
        """
        qualified = in_tenant(self._tenant_for(tenant), check_channel(channel))
        return PublishRequest(qualified, TOUCH_PAYLOAD, is_touch=True)


_NO_KEYS = (
    "pages insert the data of {!r} as markup, so it is signed: pass the signing keys of the site, "
    "Publisher(…, signing_keys=[…])"
)

_PLAIN_REFUSED = (
    "the namespace of {!r} has 'plain': False, so that it carries sequenced publications only: "
    "leave out sequenced=False, or remove 'plain' from SOCKGATE['NAMESPACES']"
)
_KEPT_AND_COALESCED = (
    "a publication with coalesce is not kept, but those on {!r} are sequenced: leave out coalesce, "
    "or pass sequenced=False"
)


def _check_keywords(how: PublishOptions) -> None:
    unknown = sorted(how.keys() - PublishOptions.__annotations__.keys())
    if unknown:
        raise TypeError(
            f"unknown keyword {unknown[0]!r}: publications take sequenced, idempotency_key, "
            "tenant, exclude, coalesce and within, and in Django on_commit and using"
        )


def _is_sequenced(how: PublishOptions) -> bool | None:
    key, sequenced = how.get("idempotency_key"), how.get("sequenced")
    if not isinstance(sequenced, bool | None):
        raise PublicationInvalid("sequenced must be True, False or None")
    if key is None:
        return sequenced
    if sequenced is False:
        raise PublicationInvalid("only a sequenced publication can have an idempotency key")
    if not isinstance(key, str) or not 0 < len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
        raise PublicationInvalid("an idempotency key must be a text of 1 to 255 characters")
    return True
