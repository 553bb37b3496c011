"""The demo's settings, for a site that allows anonymous visitors."""

from tests.e2e.demo_settings import *  # noqa: F403
from tests.e2e.demo_settings import SOCKGATE

SOCKGATE = {**SOCKGATE, "ANONYMOUS": True}
