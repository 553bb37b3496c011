"""Telling the gateways: control messages."""

from gateway.wire.control import ControlMessage, write_control

from . import conf, redis_clients


def tell_gateways(message: ControlMessage) -> int:
    """Send a control message.

    Returns:
        How many workers heard it.

    Raises:
        redis.RedisError: it was not sent.
    """
    channel = conf.current().names.control
    return redis_clients.records().publish(channel, write_control(message))
