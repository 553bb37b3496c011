"""What an operator can see of the hosts: readiness, metrics and the log, and since when."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from threading import Event, Thread
from time import monotonic

from tests.drills.site import Host
from tests.ports import HOST

LOOK_S = 0.25
LEAST = 0.9
"""What a counter must have grown: one event, or a second of lag."""
LINE = re.compile(r"^\S+ \S+ (WARNING|ERROR|CRITICAL) \S+ event=(\w+)(.*)$", re.MULTILINE)
CAUSES = re.compile(
    r"^sockgate_((closed|gaps|worker_restarts|refused_connects|redis_evicted_keys|balanced"
    r"|accept_pauses|log_lines_dropped|redis_own_connections_busy)_total|loop_lag_seconds_sum)"
)
GAUGES = {
    "sockgate_redis_latency_seconds": max,
    "sockgate_redis_clock_offset_seconds": lambda *numbers: max(numbers, key=abs),
    "sockgate_redis_takes_writes": min,
    "sockgate_worker_heartbeat_age_seconds": max,
}


class Watch:
    """Look at the hosts until it is stopped.

    ``reasons`` and ``degraded`` hold each text of ``/ready`` with the seconds after which it was
    first seen, ``events`` each event of the logs that is a warning or worse.
    """

    def __init__(self, hosts: list[Host]) -> None:
        self._hosts = hosts
        self._began = monotonic()
        self.reasons: dict[str, tuple[float, str]] = {}
        self.degraded: dict[str, tuple[float, str]] = {}
        self.events: dict[str, tuple[float, str]] = {}
        self.extremes: dict[str, float] = {}
        self._logged = {host.name: host.log.stat().st_size for host in hosts}
        self._before = {host.name: dict(metrics_of(host)) for host in hosts}
        self._after = dict(self._before)
        self._is_over = Event()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def counted(self) -> dict[str, float]:
        """Return by how much each counter of a cause has grown, over all hosts."""
        grown: dict[str, float] = {}
        for host in self._hosts:
            before = self._before[host.name]
            for name, value in self._after[host.name].items():
                former = before.get(name, 0.0)
                more = value - former if value >= former else value  # It was started again.
                if more and CAUSES.match(name) and 'code="client"' not in name:
                    plain = re.sub(r',?worker="\d+"', "", name).replace("{}", "")
                    grown[plain] = grown.get(plain, 0.0) + more
        return grown

    def text(self) -> str:
        """Return all that was seen, as text."""
        return "\n".join(text for _, text in self.seen())

    def seen(self) -> list[tuple[float, str]]:
        """Return every text with the seconds after which it was first seen."""
        texts = [*self.reasons.values(), *self.degraded.values(), *self.events.values()]
        return [*texts, *((LOOK_S, name) for name, more in self.counted().items() if more > LEAST)]

    def _run(self) -> None:
        while not self._is_over.wait(LOOK_S):
            for host in self._hosts:
                self._look(host)

    def _look(self, host: Host) -> None:
        now = monotonic() - self._began
        status, body = ask(host, "/ready")
        said = {"reasons": ["no answer"], "degraded": []} if not status else json.loads(body)
        for kind, seen in (("reasons", self.reasons), ("degraded", self.degraded)):
            for text in said[kind]:
                seen.setdefault(_without_numbers(text), (now, text))
        self._read_log(host, now)
        if found := dict(metrics_of(host)):
            self._after[host.name] = found
            self._note_extremes(found)

    def _note_extremes(self, found: dict[str, float]) -> None:
        for name, value in found.items():
            plain = name.partition("{")[0]
            if worst := GAUGES.get(plain):
                self.extremes[plain] = worst(value, self.extremes.get(plain, value))

    def _read_log(self, host: Host, now: float) -> None:
        with host.log.open("rb") as log:
            log.seek(self._logged[host.name])
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._logged[host.name] += len(whole)
        for _, event, rest in LINE.findall(whole.decode(errors="replace")):
            self.events.setdefault(event, (now, f"{event}{rest}"))


def is_as_usual(host: Host) -> bool:
    """Return whether the host is ready, and nothing is wrong although it is."""
    status, body = ask(host, "/ready")
    return status == 200 and not json.loads(body)["degraded"]


def metrics_of(host: Host) -> Iterator[tuple[str, float]]:
    """Read the metrics of the host; none where it does not answer."""
    _, body = ask(host, "/metrics")
    for line in body.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            with suppress(ValueError):
                yield name, float(value)


def ask(host: Host, path: str) -> tuple[int, str]:
    """Ask the port that answers for all workers; status 0 where there is no answer."""
    connection = HTTPConnection(HOST, host.host_port, timeout=2)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, HTTPException):
        return 0, ""
    finally:
        connection.close()


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "N", text)
