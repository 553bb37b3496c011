"""Folders: sources, builds on demand, results."""

from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
PROGRAMS = HERE / "servers" / "programs"
BUILD = HERE / ".build"
RESULTS = HERE / "results"
DOCS = ROOT / "docs"
