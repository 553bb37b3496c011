"""Performance targets: ratios of medians of one results file."""

from dataclasses import dataclass

from .figures import Book

CPU = "cpu_us_per_delivery"
US = "sockgate"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a server, from the first of its scenarios that was measured."""

    scenarios: tuple[str, ...]
    server: str
    name: str

    def read(self, book: Book) -> float | None:
        """Return its median."""
        values = (book.median(scenario, self.server, self.name) for scenario in self.scenarios)
        return next((value for value in values if value is not None), None)


@dataclass(frozen=True, slots=True)
class Target:
    """Our figure is at most ``limit`` times the other one, or at most ``limit`` without another."""

    title: str
    ours: Figure
    theirs: Figure | None
    limit: float

    def ratio(self, book: Book) -> float | None:
        """Return the value to compare with the limit, or None if it was not measured."""
        ours = self.ours.read(book)
        theirs = 1.0 if self.theirs is None else self.theirs.read(book)
        return ours / theirs if ours is not None and theirs else None


def _against(title: str, server: str, limit: float, *scenarios: str, figure: str = CPU) -> Target:
    return Target(
        f"{title}, of {server}'s",
        Figure(scenarios, US, figure),
        Figure(scenarios, server, figure),
        limit,
    )


def _alone(title: str, limit: float, figure: str, *scenarios: str) -> Target:
    return Target(title, Figure(scenarios, US, figure), None, limit)


_FAN_OUT = "fanout_1000_b1_64"

TARGETS = (
    _against("fan-out to 1,000, one in flight, CPU per delivery", "floor", 1.4, _FAN_OUT),
    _against("fan-out to 1,000, one in flight, CPU per delivery", "Socket.IO", 0.5, _FAN_OUT),
    _against("fan-out to 1,000, one in flight, CPU per delivery", "nchan", 1.0, _FAN_OUT),
    _against("fan-out, bursts of 16, CPU per delivery", "Socket.IO", 0.12, "fanout_1000_b16_64"),
    _against("fan-out, bursts of 64, CPU per delivery", "Socket.IO", 0.06, "fanout_1000_b64_64"),
    _against("private at full rate, CPU per delivery", "Socket.IO", 0.5, "private"),
    _against(
        "connect with token and session check, CPU",
        "Socket.IO",
        0.6,
        "connect_1000",
        figure="connect_cpu_us",
    ),
    Target(
        "connect at 8,000, CPU, of its own at 1,000",
        Figure(("connect_8000",), US, "connect_cpu_us"),
        Figure(("connect_1000",), US, "connect_cpu_us"),
        1.1,
    ),
    _alone("KiB per idle connection at 8,000 (PSS)", 6, "held_kib_per_conn", "idle_8000"),
    _alone("KiB per idle connection at 1,000 (PSS)", 6, "held_kib_per_conn", "idle_1000"),
    _against(
        "latency of a private message, p99", "Socket.IO", 1.0, "private_rate", figure="p99_us"
    ),
    _alone("8,000 idle connections, share of a core", 0.02, "hold_core_share", "idle_8000"),
    Target(
        "xhr-streaming fan-out, CPU per delivery, of its own WebSocket's",
        Figure(("xhr_streaming",), US, CPU),
        Figure((_FAN_OUT,), US, CPU),
        1.5,
    ),
)


def table(book: Book) -> list[tuple[str, ...]]:
    """List the measured targets, and whether each is reached."""
    ratios = ((target, target.ratio(book)) for target in TARGETS)
    return [_row(target, ratio) for target, ratio in ratios if ratio is not None]


def _row(target: Target, ratio: float) -> tuple[str, ...]:
    verdict = "reached" if ratio <= target.limit else "**not reached**"
    return target.title, f"{target.limit:g}", f"{ratio:.3g}", verdict
