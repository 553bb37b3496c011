"""Frames of clients with the tenant of the client in each channel's name."""

from collections.abc import Mapping

import msgspec

from .contract import ClientFrame, Recover
from .tenants import SEPARATOR, named_by_client


def qualify_frame(frame: ClientFrame, tenant: str) -> ClientFrame:
    """Qualify the channel of a frame with the client's tenant; unchanged without a tenant."""
    channel = getattr(frame, "channel", "")
    if not channel or not (tenant or SEPARATOR in channel):
        return frame
    return msgspec.structs.replace(frame, channel=named_by_client(tenant, channel))


def qualify_recover(recover: Mapping[str, Recover], tenant: str) -> Mapping[str, Recover]:
    """Qualify the channels that a client recovers with its tenant."""
    if not tenant:
        return recover
    return {named_by_client(tenant, channel): asked for channel, asked in recover.items()}
