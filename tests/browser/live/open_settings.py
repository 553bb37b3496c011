"""The site for visitors without a login, too, who may subscribe to what a page gives them."""

from tests.browser.live.settings import *  # noqa: F403
from tests.browser.live.settings import SOCKGATE

SOCKGATE = {**SOCKGATE, "ANONYMOUS": True}
