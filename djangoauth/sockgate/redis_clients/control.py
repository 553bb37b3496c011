"""Sending control messages to the gateways."""

from sockgate_gateway.wire.control import ControlMessage, write_control

from .. import conf
from . import pools


def send_control(message: ControlMessage) -> int:
    """Send a control message.

    Returns:
        How many workers received it.

    Raises:
        redis.RedisError: it was not sent.
    """
    channel = conf.current().names.control
    return pools.records().publish(channel, write_control(message))
