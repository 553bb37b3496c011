"""What the log says of a child: a worker has its number, the host's process has its own events.

The process that answers for the host serves no client. So its failures are other events than those
of a worker, and nobody is alarmed by a worker that does not exist.
"""

import logging

from .processes import Child

log = logging.getLogger("sockgate")


def not_started(child: Child) -> None:
    """Log that the system cannot start it, with the error that is being handled."""
    if child.is_worker:
        log.exception("event=worker_not_started number=%d", child.number)
    else:
        log.exception("event=host_process_not_started")


def hung(child: Child, pid: int, verdict: str) -> None:
    """Log why it counts as hung."""
    if child.is_worker:
        log.error("event=worker_hung number=%d pid=%d cause=%r", child.number, pid, verdict)
    else:
        log.error("event=host_process_hung pid=%d cause=%r", pid, verdict)


def ended(child: Child, exit_code: int, lived_s: float) -> None:
    """Log that it has ended unexpectedly."""
    if child.is_worker:
        log.error(
            "event=worker_ended number=%d exit_code=%d lived_s=%.1f",
            child.number,
            exit_code,
            lived_s,
        )
    else:
        log.error("event=host_process_ended exit_code=%d lived_s=%.1f", exit_code, lived_s)


def killed(child: Child) -> None:
    """Log that it is killed, and why."""
    cause = "it hangs" if child.is_hung else "did not end"
    if child.is_worker:
        log.error("event=worker_killed number=%d cause=%r", child.number, cause)
    else:
        log.error("event=host_process_killed cause=%r", cause)
