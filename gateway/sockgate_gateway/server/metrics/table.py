"""The table of all metrics, from which ``/metrics`` and docs/metrics.md are made.

Names follow Prometheus's guide: base units, and ``_total`` for counters. Each label has few values.
Those that are known are named here, and their series are there from the start: a counter that
appears with its first event hides this event from ``rate()``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ...config.config import TRANSPORTS
from ...histogram import BYTES, COUNTS, ROUNDS, SECONDS
from ...wire.closecodes import CloseCode

FAILURES = (
    "clock_differs",
    "control_rejected",
    "history_postponed",
    "keys_evicted",
    "link_lost",
    "may_evict",
    "positions_not_renewed",
    "presence_postponed",
    "probe_unsent",
    "redis_slow",
    "revalidation_postponed",
    "sessions_unreadable",
    "shard_lost",
    "writes_refused",
)
"""The events of all ``FailureLog``, and of control messages that are not valid."""

_FAILED_HANDSHAKES = ("1002", "1006", "1007", "1009")
_CODES = (*_FAILED_HANDSHAKES, *(str(int(code)) for code in CloseCode), "client")


@dataclass(frozen=True, slots=True)
class Row:
    """One metric.

    Args:
        name: as Prometheus stores it.
        kind: of the metric.
        text: what it counts; the ``HELP`` of ``/metrics``.
        advice: when to look, and what to do.
        labels: the known values of each label; none: they are known while the gateway runs.
        buckets: of a histogram.
        host: what the port of the host shows of its workers: ``sum`` or ``max`` over them, or
            ``each`` with the label ``worker``. ``only``: a worker alone does not have it.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    text: str
    advice: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()
    host: Literal["sum", "max", "each", "only"] = "sum"


def _counter(name: str, text: str, advice: str, **labels: tuple[str, ...]) -> Row:
    return Row(name, "counter", text, advice, labels)


def _gauge(name: str, text: str, advice: str, **labels: tuple[str, ...]) -> Row:
    return Row(name, "gauge", text, advice, labels, host="each")


def _histogram(
    name: str, text: str, advice: str, buckets: tuple[float, ...], **labels: tuple[str, ...]
) -> Row:
    return Row(name, "histogram", text, advice, labels, buckets)


SECTIONS: dict[str, tuple[Row, ...]] = {
    "Connections": (
        _gauge(
            "sockgate_connections",
            "Open connections, with and without a verified token.",
            "Near `sockgate_connections_limit`; or it falls by half at once.",
        ),
        _gauge(
            "sockgate_connections_limit",
            "How many connections the worker accepts (SOCKGATE_MAX_CONNECTIONS).",
            "Lower than you have set: descriptors lack, see `event=limit_reduced` in the log.",
        ),
        _gauge(
            "sockgate_unauthenticated",
            "Connections without a verified token.",
            "Hundreds for minutes: Redis is slow, or a client holds sockets open.",
        ),
        _gauge(
            "sockgate_unauthenticated_limit",
            "How many connections may have no verified token (SOCKGATE_MAX_UNAUTHENTICATED).",
            "Beside the one above.",
        ),
        _gauge(
            "sockgate_users",
            "Users with at least one connection.",
            "Falls while connections stay: many are visitors.",
        ),
        _counter(
            "sockgate_opened_total",
            "Connections opened, by transport.",
            "Others than `websocket` and `rawwebsocket` grow: a proxy in between refuses "
            "WebSockets.",
            transport=TRANSPORTS,
        ),
        _counter(
            "sockgate_closed_total",
            "Connections closed, by close code; client: the client closed, with any code.",
            "`4400` on all workers: the signing keys of Django and the gateway differ. `3004`: "
            "pages do not read, see `SOCKGATE_MAX_OUTBOX`; many at once: the publications are too "
            "many or too large. `3002`, `3003`: a limit of connections is reached; Redis does not "
            "answer.",
            code=_CODES,
        ),
        _counter(
            "sockgate_refused_connects_total",
            "Connects refused before they are checked, by reason.",
            "`busy` after a restart: clients learned when to come back; otherwise the workers "
            "need more processors. A slow Redis makes nobody refused: `event=connects_slow` says "
            "that connects wait for it. `connections`, `unauthenticated`, `address`, `user`: the "
            "limit of that name. `origin`: `event=origin_refused` names it. `unavailable`: "
            "another deployment.",
            reason=(
                "address",
                "busy",
                "connections",
                "draining",
                "origin",
                "unauthenticated",
                "unavailable",
                "user",
            ),
        ),
        _counter(
            "sockgate_displaced_total",
            "Connections without a token that were closed to make room for a newer one.",
            "Grows: places without a token are full (`SOCKGATE_MAX_UNAUTHENTICATED`, "
            "`SOCKGATE_MAX_PER_ADDRESS`), and the oldest make room; a client holds sockets open.",
        ),
        _counter(
            "sockgate_displaced_requests_total",
            "Connections without a complete request, closed to make room for a newer one.",
            "Grows: more connections wait for an answer to their first request than "
            "`SOCKGATE_MAX_UNAUTHENTICATED` or `SOCKGATE_MAX_PER_ADDRESS` allow, and the oldest "
            "are closed without one (a browser says 1006): a crowd returns to too few processors, "
            "or a client opens sockets and sends nothing.",
        ),
        _counter(
            "sockgate_accept_pauses_total",
            "Pauses of accepting: no file descriptor was left, and new clients waited.",
            "Grows: raise `LimitNOFILE=`; `/ready` says so, too.",
        ),
        _counter(
            "sockgate_balanced_total",
            "Clients sent away, because other workers had more room.",
            "Grows for long: the balancer in front gives some workers too few clients.",
        ),
        _counter(
            "sockgate_unknown_sessions_total",
            "Requests for SockJS sessions that are not open, answered with 404, by cause.",
            "`foreign` grows: a balancer sends requests of one SockJS session to several "
            "gateways, see [several hosts](deploy.md#several-hosts).",
            cause=("expired", "foreign"),
        ),
        _histogram(
            "sockgate_connect_seconds",
            "How long a connect takes. token: from the open connection to its first frame; "
            "session: until session and user are read; channels: until connected is sent.",
            "`token` is the way to the browser and back. `session` grows: Redis is slow, or many "
            "connect at once. `channels` grows: histories are long.",
            SECONDS,
            phase=("channels", "session", "token"),
        ),
    ),
    "Publications": (
        _counter(
            "sockgate_publications_total",
            "Publications received from Redis, by each worker that has the channel.",
            "The load; with the next one, the fan-out.",
        ),
        _counter(
            "sockgate_deliveries_total",
            "Publication frames sent, one per connection.",
            "Falls while publications do not: nobody listens.",
        ),
        _counter(
            "sockgate_dropped_total",
            "Publications dropped as too large or not valid.",
            "Grows: publications over `SOCKGATE_MAX_PUBLICATION`, or not UTF-8; "
            "`event=payload_dropped` names the channel.",
        ),
        _counter(
            "sockgate_markup_refused_total",
            "Publications with markup that were dropped: their signature is missing or void.",
            "Grows: markup for pages without a valid signature ([the "
            "protocol](protocol.md#to-push-markup)): a program that does not sign it, other "
            "`SIGNING_KEYS`, clocks that differ, or an attack.",
            cause=("expired", "forged", "future", "unsigned"),
        ),
        _histogram(
            "sockgate_publication_latency_seconds",
            "From Redis to the sockets of the connections, for one in 32 sequenced publications, "
            "by declared namespace; other: all that are not declared.",
            "Grows: Redis is slow (`sockgate_redis_round_trip_seconds`), or the worker is "
            "(`sockgate_loop_lag_seconds`). Of plain publications, `sockgate_probe_seconds` is a "
            "sample.",
            SECONDS,
            namespace=(),
        ),
        _histogram(
            "sockgate_read_publications",
            "Publications in one read of the subscribed connection to Redis.",
            "Grows with the load: the worker delivers what waits together.",
            COUNTS,
        ),
        _histogram(
            "sockgate_outbox_bytes",
            "Bytes that wait for one client, each time that some are added because it does not "
            "read.",
            "Near `SOCKGATE_MAX_OUTBOX`: clients will be closed with 3004.",
            BYTES,
        ),
    ),
    "Channels": (
        _gauge(
            "sockgate_channels",
            "Channels with at least one subscription, or a pending one.",
            "Grows without connections: a program names ever new channels.",
        ),
        _counter(
            "sockgate_gaps_total",
            "Frames gap sent, one per connection, by cause.",
            "Grows: pages read their state again; [recovery](recovery.md) names the causes.",
            cause=("epoch", "history", "plain", "repeated", "size", "touch"),
        ),
        _histogram(
            "sockgate_recovered_publications",
            "Publications sent to a connection when it subscribes: missed ones, or the newest.",
            "Large: pages are away for long, or come back after each other again and again.",
            COUNTS,
        ),
        _counter(
            "sockgate_refused_names_total",
            "Subscriptions refused because their user named too many new channels.",
            "Grows: a user names thousands of channels of a public namespace that nobody else "
            "uses.",
        ),
        _counter(
            "sockgate_held_leaves_total",
            "Times that a leave was held, because its user leaves large channels too often.",
            "Grows: a user joins and leaves large channels again and again; others see the last "
            "state later.",
        ),
    ),
    "Redis": (
        _gauge(
            "sockgate_redis_latency_seconds",
            "Fastest of the last five answers of Redis.",
            "Above 0.1: every connect and every recovery waits as long.",
        ),
        _histogram(
            "sockgate_redis_round_trip_seconds",
            "Answers of Redis to the probes of a worker, several in ten seconds.",
            "The upper part grows, and the fastest answer does not: forks for snapshots, slow "
            "commands.",
            SECONDS,
        ),
        _histogram(
            "sockgate_probe_seconds",
            "From PUBLISH to the subscribed connection, for the probe of a worker every two "
            "seconds: a sample of plain publications.",
            "Grows: Redis is slow, or the worker is (`sockgate_loop_lag_seconds`).",
            SECONDS,
        ),
        _gauge(
            "sockgate_redis_clock_offset_seconds",
            "How far Redis's clock is ahead of this host's.",
            "Above 5 or below -5: synchronize the clocks; beyond 30 s the gateway refuses new "
            "tokens.",
        ),
        _gauge(
            "sockgate_redis_takes_writes",
            "Whether Redis took the last write.",
            "0: nobody can log in or out, and sequenced publications and presence fail; `/ready` "
            "says whether memory, disk or replicas are the cause.",
        ),
        Row(
            "sockgate_redis_evicted_keys_total",
            "counter",
            "Keys that Redis evicted since the worker started. Each worker sees the same "
            "evictions, so they are not added up over workers or hosts.",
            "Grows: sessions are lost; set `maxmemory-policy noeviction`.",
            host="max",
        ),
        _counter(
            "sockgate_redis_own_connections_busy_total",
            "Commands that found no free connection of this worker to Redis.",
            "Grows: where Redis is fast (`sockgate_redis_latency_seconds`), the worker has too "
            "little processor time.",
        ),
        _counter(
            "sockgate_classic_publications_total",
            "Publications that came by `PUBLISH` on channels that `SPUBLISH` is for, on a cluster.",
            "Grows with `?pubsub=sharded`: a program still sends by `PUBLISH`. "
            "`event=classic_publication` in the log names a channel "
            "([redis.md](redis.md#sharded)).",
        ),
        _counter(
            "sockgate_failures_total",
            "Failed attempts, by the event that the log has for them.",
            "Look for `event=` of this name in the log, which has the cause.",
            event=FAILURES,
        ),
    ),
    "Sessions": (
        _histogram(
            "sockgate_audit_seconds",
            "How long one audit of all sessions and grants has taken, with its pauses.",
            "Above `SOCKGATE_AUDIT_INTERVAL`: a session whose end was not announced stays open "
            "for as long. Redis is slow.",
            ROUNDS,
        ),
    ),
    "Workers": (
        Row(
            "sockgate_host_ready",
            "gauge",
            "1 when a client that connects to this host now is served, 0 otherwise.",
            "0 for a minute: ask `/ready` of the host for the reasons.",
            host="only",
        ),
        _gauge(
            "sockgate_ready",
            "1 when a client that connects now is served, 0 otherwise.",
            "0 for a minute: the link to Redis is lost and no client receives anything, or "
            "sessions cannot be read and every connect is refused.",
        ),
        _histogram(
            "sockgate_loop_lag_seconds",
            "How late the event loop runs its timer, twice a second.",
            "Above 0.1 often: the worker has too little processor time, or one step takes long. "
            "All that it delivers is as late.",
            SECONDS,
        ),
        Row(
            "sockgate_worker_heartbeat_age_seconds",
            "gauge",
            "Seconds since the event loop of a worker has reported.",
            "Above 5: the worker counts as not ready; it is killed after `SOCKGATE_HANG_TIMEOUT`.",
            {"worker": ()},
            host="only",
        ),
        Row(
            "sockgate_worker_restarts_total",
            "counter",
            "Workers replaced, by cause.",
            "`hung`: the log has the stacks. `ended`: it has the exit code. `restarted`: a SIGHUP.",
            {"worker": (), "cause": ("ended", "hung", "restarted")},
            host="only",
        ),
        Row(
            "sockgate_supervisor_heartbeat_age_seconds",
            "gauge",
            "Seconds since the supervisor has reported.",
            "Above 10: nobody watches the workers; restart the service.",
            host="only",
        ),
        _counter(
            "sockgate_log_lines_dropped_total",
            "Log lines that were dropped: nobody reads them, or the disk is full.",
            "Grows: nothing reads the log, or its disk is full.",
        ),
        _gauge(
            "sockgate_build_info",
            "1; the labels are the versions that run.",
            "Two values of a label for long: a host was not updated.",
            version=(),
            python=(),
        ),
    ),
    "Processes": (
        Row(
            "process_cpu_seconds_total",
            "counter",
            "Processor time of a worker, in user and system mode.",
            "`rate()` near 1: the worker uses a whole processor; add workers.",
            host="each",
        ),
        _gauge(
            "process_resident_memory_bytes",
            "Resident memory of a worker.",
            "Grows while connections do not.",
        ),
        _gauge(
            "process_virtual_memory_bytes",
            "Virtual memory of a worker.",
            "Seldom: it is not used memory.",
        ),
        _gauge(
            "process_open_fds",
            "Open descriptors of a worker.",
            "Near `process_max_fds`: raise `LimitNOFILE=`.",
        ),
        _gauge(
            "process_max_fds", "How many descriptors a worker may open.", "Beside the one above."
        ),
        _gauge(
            "process_start_time_seconds",
            "When a worker was started, in Unix seconds.",
            "Changes: it was replaced, see `sockgate_worker_restarts_total`.",
        ),
    ),
}

ROWS = {row.name: row for rows in SECTIONS.values() for row in rows}
