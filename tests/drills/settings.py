"""The demo's settings, with the channel that the drills publish on in sequence."""

from tests.e2e.demo_settings import *  # noqa: F403
from tests.e2e.demo_settings import SOCKGATE

DRILL = {"public": True, "history": 5000, "age": 3600, "plain": False}
NAMESPACES = {**SOCKGATE["NAMESPACES"], "drill": DRILL}
SOCKGATE = {**SOCKGATE, "NAMESPACES": NAMESPACES, "GATEWAY_URL": "/realtime"}
DEBUG = False
