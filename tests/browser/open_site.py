"""The demo's settings, for a site that lets anonymous visitors connect."""

from project.settings import *  # noqa: F403
from project.settings import SOCKGATE

SOCKGATE = {**SOCKGATE, "ANONYMOUS": True}
