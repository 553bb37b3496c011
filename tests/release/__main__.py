"""Build, install and run everything, in a temporary folder."""

import sys
import tempfile
from pathlib import Path

from tests.release import archives, frontends, site


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="sockgate-release-") as name:
        folder = Path(name)
        packages = archives.build(folder / "packages")
        archives.check(packages, folder / "source")
        site.check(packages.wheel, folder / "site")
        frontends.check(packages.tarball, folder / "frontends")
    print("The packages can be released.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
