"""The name of a browser, from its user agent. Pure."""

import re

_NAMES = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome", "Chrome"),
    ("Version", "Safari"),
)
"""Products of user agents, in the order in which they decide: Edge says that it is Chrome, too."""

_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "CrOS", "Linux")

MAX_LENGTH = 40


def browser_of(agent: str) -> str:
    """Return a name such as ``Firefox 128 on Linux``, or the beginning of another user agent."""
    for product, name in _NAMES:
        found = re.search(rf"\b{product}/([0-9]+)", agent)
        if found and agent.startswith("Mozilla/"):
            system = next((one for one in _SYSTEMS if one in agent), "")
            return f"{name} {found[1]}" + (f" on {system}" if system else "")
    return agent[:MAX_LENGTH]
