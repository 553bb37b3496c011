"""The site with tokens and grants that are valid for a few seconds."""

from tests.browser.live.settings import *  # noqa: F403
from tests.browser.live.settings import SOCKGATE

SOCKGATE = {**SOCKGATE, "TOKEN_MAX_AGE": 3}
