"""The golden examples of ``vectors.json``, which the JavaScript tests read, too."""

import json
from pathlib import Path
from typing import Any

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
