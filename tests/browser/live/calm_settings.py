"""The site with a rate that makes a long window for few pages."""

from tests.browser.live.settings import *  # noqa: F403
from tests.browser.live.settings import SOCKGATE

SOCKGATE = {**SOCKGATE, "LIVE_RATE": 4}
