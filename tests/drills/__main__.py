"""``python -m tests.drills [part of a fault's name …]``: run drills, and write their rows."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.drills import table
from tests.drills.faults import ALL
from tests.drills.running import reports


def main(wanted: list[str]) -> int:
    faults = [fault for fault in ALL if not wanted or any(part in fault.name for part in wanted)]
    rows, failed = {}, 0
    with TemporaryDirectory() as folder:
        for report in reports(Path(folder), faults):
            rows[report.fault.name] = row = table.row_of(report)
            print(row, flush=True)
            for problem in report.problems():
                failed += 1
                print(f"  PROBLEM: {problem}", flush=True)
            table.write(rows)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
