"""The program ``sockgate`` on a host whose clock can be set, by a number in a file."""

import mmap
import runpy
import struct
import sys
import time
from pathlib import Path


def main(file: Path) -> None:
    with file.open("rb") as opened:
        offset = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)
    right = time.time
    time.time = lambda: right() + struct.unpack("d", offset)[0]
    sys.argv = ["sockgate"]
    runpy.run_module("sockgate_gateway", run_name="__main__")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
