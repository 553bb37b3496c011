"""Print the lowest versions that ``setup.cfg`` admits, as constraints for pip.

``make test-floors`` installs these and runs the unit and integration tests with them.
"""

import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

SETUP = Path(__file__).parents[1] / "setup.cfg"
EXTRAS = ("dev", "client", "testing", "oidc", "docs", "test")

_REQUIREMENT = re.compile(r"([A-Za-z0-9-]+)(?:\[[^]]*\])?[>=]=([0-9a-z.]+)")


def floors() -> Iterator[tuple[str, str]]:
    """Give each required package and its lowest version."""
    config = ConfigParser(interpolation=None)
    config.read(SETUP)
    options = [config["options"]["install_requires"]]
    options += [config["options.extras_require"][extra] for extra in EXTRAS]
    for line in "\n".join(options).splitlines():
        if found := _REQUIREMENT.match(line.strip()):
            yield found[1], found[2]


if __name__ == "__main__":
    for package, version in floors():
        print(f"{package}=={version}")
