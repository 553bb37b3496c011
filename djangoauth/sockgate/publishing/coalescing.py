"""``coalesce="order:7", within=0.1``: of several publications, deliver at most one in that time."""

from sockgate_gateway.wire.publication import MAX_WITHIN_MS, Coalescing, is_coalescing_key

from ..errors import PublicationInvalid

DEFAULT_WITHIN_S = 0.1


def coalescing_of(coalesce: str | None, within: float | None) -> Coalescing | None:
    """Return the key and the window that a call names; None: it names none.

    Args:
        coalesce: the key.
        within: seconds.

    Raises:
        PublicationInvalid: the key or the time is not valid, or there is a time without a key.
    """
    if coalesce is None:
        if within is not None:
            raise PublicationInvalid("within is the time for coalesce, which is missing")
        return None
    if not isinstance(coalesce, str) or not is_coalescing_key(coalesce):
        raise PublicationInvalid(
            "coalesce must be a key of 1 to 64 printable ASCII characters without '#', such as "
            "'order:7'"
        )
    return Coalescing(coalesce, _milliseconds(DEFAULT_WITHIN_S if within is None else within))


def _milliseconds(within: float) -> int:
    is_number = isinstance(within, int | float) and not isinstance(within, bool)
    if not is_number or not 0.001 <= within <= MAX_WITHIN_MS / 1000:
        raise PublicationInvalid("within must be a number of seconds from 0.001 to 60")
    return round(within * 1000)
