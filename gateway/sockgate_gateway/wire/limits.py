"""Limits of names and frames, for ``contract.py`` and for modules that import no msgspec."""

MAX_CHANNEL_LENGTH = 255
CHANNEL_NAME = rf"[\w.:@%+=,~!$&/#|-]{{1,{MAX_CHANNEL_LENGTH}}}"
"""A channel's name, in ASCII."""

MAX_TOKEN_LENGTH = 2048
MAX_EVENT_LENGTH = 100
"""Of a client's event, with ``CLIENT_EVENT_PREFIX``."""
CLIENT_EVENT_PREFIX = "client-"

MAX_DATA_BYTES = 1024
"""Of an object that describes a user or a page in presence, as JSON."""

MAX_EARLY_FRAMES = 64
"""The number of frames that may follow ``connect`` before ``connected`` is sent."""

FRAMES_EACH = 10
"""As how many frames one counts that reaches many connections."""
