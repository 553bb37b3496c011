"""Record the README's picture from the running demo: ``make picture``.

Starts the demo, plays the story in Chromium, and writes ``docs/demo.webp``.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.chromium import run_chromium  # noqa: E402
from tests.e2e.test_demo import Demo  # noqa: E402

TARGET = ROOT / "docs" / "demo.webp"
SIZE = {"width": 1240, "height": 1080}
SHOWN = (930, 810)
FRAME_MS = 250
STILL_MS = 1_500
MAX_BYTES = 2_000_000
STORY = (
    ("Bob moves a card", 8),
    ("A job of 60 steps", 18),
    ("Take alice out of the staff", 8),
    ("Kill the gateway", 26),
    ("Log bob out here", 9),
)
"""Buttons, and how many frames are taken after each."""


def main() -> None:
    """Play the story, and write its picture."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder))
        try:
            demo.wait_for_line("Ctrl-C stops everything")
            with run_chromium(complete=True) as chromium:
                page = chromium.new_page(viewport=SIZE)
                page.goto(demo.page)
                for half in ("#alice", "#bob"):
                    page.frame_locator(half).get_by_text("websocket").first.wait_for()
                write(frames_of(page))
        finally:
            demo.stop()


def frames_of(page: Page) -> list[Image.Image]:
    """Press the buttons of the story, and return what the page shows, frame by frame."""
    frames = [frame_of(page)]
    for label, count in STORY:
        button = page.locator("button", has_text=label)
        button.focus()
        frames.append(frame_of(page))
        button.click()
        for _ in range(count):
            page.wait_for_timeout(FRAME_MS)
            frames.append(frame_of(page))
    return frames


def frame_of(page: Page) -> Image.Image:
    """Return what the page shows now, in the size of the picture."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return shot.resize(SHOWN, Image.Resampling.LANCZOS)


def write(frames: list[Image.Image]) -> None:
    """Write the frames as one moving picture, each for as long as it differs from the next."""
    shown: list[Image.Image] = []
    times: list[int] = []
    for frame in frames:
        if shown and shown[-1].tobytes() == frame.tobytes():
            times[-1] = min(times[-1] + FRAME_MS, STILL_MS)
        else:
            shown.append(frame)
            times.append(FRAME_MS)
    times[-1] = 2 * STILL_MS
    first, *others = shown
    options = {"quality": 60, "method": 4, "loop": 0, "save_all": True}
    first.save(TARGET, append_images=others, duration=times, **options)
    size = TARGET.stat().st_size
    if size > MAX_BYTES:
        raise SystemExit(f"{TARGET.name} has {size} bytes; {MAX_BYTES} are the limit")
    print(f"{TARGET.relative_to(ROOT)}: {len(shown)} frames, {size:,} bytes")


if __name__ == "__main__":
    main()
