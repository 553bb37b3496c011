"""How often and how long Django code tries to reach Redis, by purpose."""

from sockgate_gateway.redis_servers.options import Timeouts

RETRIES = 2

PUBLISHER_TIMEOUTS = Timeouts(connect_s=2.0, reply_s=5.0)
"""A publication is never tried again, so it waits longer."""

RECORDS_TIMEOUTS = Timeouts(connect_s=2.0, reply_s=2.0)
"""For sessions and records: with two retries a frozen Redis costs about six seconds."""
