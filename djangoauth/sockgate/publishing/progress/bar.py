"""``with progress(user, total=…) as bar``: what long work calls.

Strategy: work may report thousands of times a second. A report is sent when ``MIN_INTERVAL_S`` have
passed since the last one, and the last one always. A Redis that fails must not end or slow the
work: ``delivery.py`` sends the newest report again.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeVar

from ...errors import ProgressFailed
from ...users.recipients import UserOrPk, uid_of
from .delivery import Delivery
from .records import Report, check_id, new_id, shortened

MIN_INTERVAL_S = 0.1
TTL_S = 24 * 3600
"""How long a record lasts after its last report."""

STALLED_AFTER_S = 60.0

_Item = TypeVar("_Item")


class Progress:
    """The progress of one work, private to one user; ``progress(…)`` makes it.

    It is a context manager, and with ``async with`` an asynchronous one. An exception in the block
    is shown as a failure and raised again. Its text is not shown, except of ``ProgressFailed``.
    """

    def __init__(
        self,
        user: UserOrPk,
        total: float | None = None,
        *,
        id: str | None = None,  # noqa: A002
        message: str = "",
        attempt: int = 1,
        stalled_after: float = STALLED_AFTER_S,
        ttl: int = TTL_S,
    ) -> None:
        self.id = check_id(new_id() if id is None else id)
        _check_number("total", total, is_optional=True)
        _check_number("stalled_after", stalled_after)
        if isinstance(ttl, bool) or not isinstance(ttl, int) or ttl < 1:
            raise ValueError(f"ttl must be a whole number of seconds above 0, not {ttl!r}")
        self._delivery = Delivery(uid_of(user), self.id, ttl)
        self._report = Report(0, 0, "running", 0, total, shortened(message), attempt, stalled_after)
        self._sent_at = float("-inf")

    @property
    def done(self) -> float:
        """How much is done."""
        return self._report.done

    @property
    def total(self) -> float | None:
        """How much there is; None: unknown."""
        return self._report.total

    @property
    def state(self) -> str:
        """``running``, ``retrying``, ``done`` or ``failed``."""
        return self._report.state

    def advance(self, by: float = 1, *, message: str | None = None) -> None:
        """Report that more is done. ``advance(0)`` says that the work goes on."""
        _check_number("by", by)
        self.update(self.done + by, message=message)

    def update(
        self, done: float | None = None, *, total: float | None = None, message: str | None = None
    ) -> None:
        """Report how much is done, how much there is, or a message for the user."""
        self._change(done, total, message)
        if self._is_due():
            self._send()

    async def aadvance(self, by: float = 1, *, message: str | None = None) -> None:
        """Do as ``advance``."""
        _check_number("by", by)
        await self.aupdate(self.done + by, message=message)

    async def aupdate(
        self, done: float | None = None, *, total: float | None = None, message: str | None = None
    ) -> None:
        """Do as ``update``."""
        self._change(done, total, message)
        if self._is_due():
            await self._asend()

    def track(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """Return the items, and report after each that it is done."""
        for item in items:
            yield item
            self.advance()

    async def atrack(self, items: AsyncIterable[_Item]) -> AsyncIterator[_Item]:
        """Do as ``track``."""
        async for item in items:
            yield item
            await self.aadvance()

    def finish(self, state: str, message: str | None = None) -> None:
        """Report the last state of this run: ``done``, ``failed`` or ``retrying``."""
        self._enter(state, message)
        self._send(is_last=True)

    async def afinish(self, state: str, message: str | None = None) -> None:
        """Do as ``finish``."""
        self._enter(state, message)
        await self._asend(is_last=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: Any, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.finish(*ending_of(error))

    async def __aenter__(self) -> Self:
        await self.astart()
        return self

    async def __aexit__(
        self, kind: Any, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.afinish(*ending_of(error))

    def start(self) -> None:
        """Begin a run, as ``with`` does."""
        self._send()

    async def astart(self) -> None:
        """Do as ``start``."""
        await self._asend()

    def _change(self, done: float | None, total: float | None, message: str | None) -> None:
        _check_number("done", done, is_optional=True)
        _check_number("total", total, is_optional=True)
        report = self._report
        self._report = report._replace(
            done=report.done if done is None else done,
            total=report.total if total is None else total,
            message=report.message if message is None else shortened(message),
        )

    def _enter(self, state: str, message: str | None) -> None:
        # A step's message says nothing about the end.
        self._change(None, None, message or "")
        done = self._report.done
        if state == "done" and self._report.total is not None:
            done = self._report.total
        self._report = self._report._replace(state=state, done=done)

    def _is_due(self) -> bool:
        return monotonic() - self._sent_at >= MIN_INTERVAL_S

    def _send(self, *, is_last: bool = False) -> None:
        self._sent_at = monotonic()
        self._delivery.send(self._report, is_last=is_last)

    async def _asend(self, *, is_last: bool = False) -> None:
        self._sent_at = monotonic()
        await self._delivery.asend(self._report, is_last=is_last)


def progress(
    user: UserOrPk,
    total: float | None = None,
    *,
    id: str | None = None,  # noqa: A002
    message: str = "",
    stalled_after: float = STALLED_AFTER_S,
    ttl: int = TTL_S,
) -> Progress:
    """Show the progress of long work to one user.

    Use it in a block: ``with progress(request.user, total=9) as bar``. A report waits for no
    transaction. At most ten a second are sent, and the last one always.

    Args:
        user: who sees it: a saved user, or a primary key.
        total: how much there is; None: unknown.
        id: for ``{% task_progress id %}``; None: a random one, in ``bar.id``. A second run with the
            same id takes the place of the first.
        message: for the user.
        stalled_after: seconds without a report after which pages show that there is no news.
        ttl: the seconds for which Redis keeps the last report.

    Raises:
        PublicationInvalid: ``user`` is not a saved user or a primary key.
        ValueError: a number, a text or the id is not what it must be.
    """
    return Progress(user, total, id=id, message=message, stalled_after=stalled_after, ttl=ttl)


def ending_of(error: BaseException | None) -> tuple[str, str | None]:
    """Return the last state, and a message that the user may see; None: that of the last report."""
    if error is None:
        return "done", None
    return "failed", shortened(error) if isinstance(error, ProgressFailed) else ""


def _check_number(name: str, value: Any, *, is_optional: bool = False) -> None:
    if value is None and is_optional:
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a number from 0 on, not {value!r}")
