"""Runs drills on a site: all that need the same kind of Redis share one."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from tests.drills.crowd import Crowd, Publishing
from tests.drills.drill import Report, run
from tests.drills.faults import Fault
from tests.drills.site import Site
from tests.drills.stores import Store

CLIENTS = 40


def reports(
    folder: Path, faults: Sequence[Fault], clients: int = CLIENTS, **options: str
) -> Iterator[Report]:
    """Drill one fault after another; those that this machine does not let happen are left out."""
    possible = [fault for fault in faults if fault.may_happen()]
    for store, group in groupby(possible, key=lambda fault: fault.store):
        place = folder / store.__name__
        place.mkdir()
        yield from _on_one_site(place, store, list(group), clients, options)


def _on_one_site(
    folder: Path, kind: type[Store], faults: list[Fault], clients: int, options: dict[str, str]
) -> Iterator[Report]:
    with ExitStack() as running:
        store = kind(folder / "redis")
        site = running.enter_context(Site(folder, store, **options))
        publishing = Publishing(store.url)
        running.callback(publishing.stop)
        for fault in faults:
            with Crowd(site.origin) as crowd:  # A new one, spread over both hosts again.
                crowd.join(clients)
                yield run(fault, site, crowd, publishing)
