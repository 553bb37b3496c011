"""System checks of ``manage.py check --deploy`` that query Redis.

``redis_server.py`` has the work: it imports redis-py, which takes a tenth of a second, and every
process of a site registers the checks.
"""

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, register

from .settings import TAG


@register(TAG, deploy=True)
def check_redis(**_: Any) -> Iterable[CheckMessage]:
    """E103 no answer, E106 memory://; W105, W106, W110 lose data; I101 no configuration shown."""
    from .redis_server import redis_problems

    return redis_problems()


@register(TAG, deploy=True)
def check_capabilities(**_: Any) -> Iterable[CheckMessage]:
    """E121 and W123 commands that Redis refuses."""
    from .redis_server import capability_problems

    return capability_problems()


@register(TAG, deploy=True)
def check_signal_senders(**_: Any) -> Iterable[CheckMessage]:
    """W121 ``PRESENCE_SIGNALS`` without a running ``sockgate_signals``."""
    from .redis_server import sender_problems

    return sender_problems()


@register(TAG, deploy=True)
def check_deployments(**_: Any) -> Iterable[CheckMessage]:
    """E120 a conflict with another site; W120 gateways with other prefixes than Django's."""
    from .redis_server import deployment_problems

    return deployment_problems()
