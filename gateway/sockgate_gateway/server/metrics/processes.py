"""The metrics of a process, which the library of Prometheus reads in ``/proc``."""

from prometheus_client import ProcessCollector


def process_values(pid: int) -> dict[str, float]:
    """Return the metrics of a process, by name; nothing where the system has no ``/proc``."""
    collector = ProcessCollector(pid=lambda: pid, registry=None)
    return {sample.name: sample.value for one in collector.collect() for sample in one.samples}
