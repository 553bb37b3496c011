"""Where things lie: sources, what was built or installed on demand, results."""

from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
PROGRAMS = HERE / "servers" / "programs"
BUILD = HERE / ".build"
RESULTS = HERE / "results"
DOCS = ROOT / "docs"
