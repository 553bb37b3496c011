"""The command line: ``python -m benchmarks quick``, ``full``, ``report`` and so on."""

import argparse
import signal
from pathlib import Path
from types import FrameType

from . import own, profile, report, run
from .scenarios import MODES


def main() -> None:
    """Measure, report, or profile."""
    options = _parser().parse_intermixed_args()
    signal.signal(signal.SIGTERM, _stop)
    if options.what in MODES:
        path = run.run(options.what, options.runs, tuple(options.only))
        report.print_report(path)
    elif options.what == "report":
        report.write_report(options.path)
    elif options.what == "own":
        own.measure()
    else:
        profile.profile(*options.only)


def _stop(signum: int, frame: FrameType | None) -> None:
    """End as after Ctrl-C, so that no server is left behind."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", choices=[*MODES, "report", "profile", "own"])
    parser.add_argument(
        "only", nargs="*", help=f"servers; or, to profile: {', '.join(profile.PATHS)}"
    )
    parser.add_argument("--runs", type=int, help="interleaved runs")
    parser.add_argument("--path", type=Path, help="results to report, if not the newest")
    return parser


if __name__ == "__main__":
    main()
