"""Sentences that say what happened to a user, in order. Pure.

``tell`` makes them of ``Findings``: lines with times, and lines about now. Names in them that came
from outside (user agents, causes) are printed by whoever shows them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sockgate_gateway.wire.inspection import (
    Ended,
    LinkLost,
    LinkRestored,
    Missed,
    Open,
    Record,
    Recovered,
    Refused,
    Revoked,
    Why,
    WorkerName,
)

from ... import conf
from ...tenants import bare
from .agents import browser_of
from .why import Findings, Published

CLOCK_TOLERANCE_S = 2.0

HINTS = {
    "1000": "the page was left or reloaded, or called disconnect()",
    "1001": "the page was left, reloaded, or suspended by the browser",
    "1005": "the page was left or reloaded",
    "1006": "the page was closed, the computer slept, or the network or a proxy broke the link",
    "3000": "the connection goes on elsewhere",
    "3001": "the gateway stops or restarts, or has too many connections; pages come back at once",
    "3002": "a limit on connections is reached; see SOCKGATE_MAX_CONNECTIONS and "
    "SOCKGATE_MAX_UNAUTHENTICATED",
    "3003": "Redis could not be read; pages come back by themselves",
    "3004": "the page read slower than was published; the limit is SOCKGATE_MAX_OUTBOX",
    "3005": "the page did not send its token in time; the limit is SOCKGATE_CONNECT_TIMEOUT",
    "3006": "a fault of ours; the gateway's log has the traceback",
    "3007": "the page did not answer: it slept, or its network was gone; see SOCKGATE_HEARTBEAT",
    "4400": "Django and the gateway have other signing keys; sockgate_doctor compares them",
    "4401": "the clocks differ, or the page showed an old token; see SOCKGATE_TOKEN_MAX_AGE",
    "4402": "the page asks Django for another token, and stays away if nobody is logged in",
    "4500": "a logout, a new password, a deactivation, a revocation or an expiry; the page stays "
    "closed until the next login",
    "4501": "the page sent a frame that no client of ours sends",
    "4502": "the page sent too long a message; the limit is SOCKGATE_MAX_FRAME",
    "4503": "the user has too many connections; the limit is SOCKGATE_MAX_PER_USER",
    "4504": "the page sent too many messages; the limit is SOCKGATE_MAX_FRAMES_PER_SECOND",
    "client": "the pages themselves ended them before they were open",
}
"""What a close code means for an operator, and the setting that is behind it."""

GAPS = {
    "history": "more was published than the history of the channel keeps, or longer ago; see "
    "history and age in SOCKGATE['NAMESPACES']",
    "epoch": "Redis has lost the position of the channel: it was restarted without its data, "
    "failed over, or deleted or evicted the key",
    "size": "what was missed is larger than a connection may receive at once; see "
    "SOCKGATE_MAX_OUTBOX and SOCKGATE_MAX_REPLAY",
    "plain": "plain publications may have been missed while the link to Redis was lost, and those "
    "are in no history; publish with sequenced=True",
    "touch": "a touch may have been missed while the link to Redis was lost",
    "repeated": "another publication came with a position that was delivered: forged, or assigned "
    "again by Redis after a failover",
}
"""Why ``gap`` was sent, by its cause."""


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence, and when it happened in Unix seconds."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, and what is so now."""

    lines: tuple[Line, ...]
    now: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Life:
    """A connection of the user: open, or ended at ``until``."""

    connection: str
    since: float
    until: float | None
    channels: tuple[str, ...]
    worker: WorkerName
    opening: str

    def is_at(self, at: float) -> bool:
        return self.since <= at and (self.until is None or at <= self.until)


def tell(found: Findings) -> Story:
    """Tell what happened to the user since the moment of the question."""
    lives = sorted(_lives(found), key=lambda life: life.since)
    lines = [
        *(line for life in lives for line in _tell_opening(life, lives)),
        *(line for line in _tell_records(found, lives)),
        *(line for line in _tell_denials(found)),
        *(_tell_publication(one, found, lives) for one in found.history.recent),
    ]
    told = sorted((line for line in lines if line.at >= found.since), key=lambda line: line.at)
    return Story(tuple(told), tuple(_tell_now(found, lives)))


def time_of(at: float) -> str:
    """Write a time of the last days for people, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _contents(found: Findings) -> Iterator[tuple[WorkerName, Why]]:
    for answer in found.asked.answers:
        if isinstance(answer.content, Why):
            yield answer.worker, answer.content


def _lives(found: Findings) -> Iterator[_Life]:
    for worker, content in _contents(found):
        for one in content.connections:
            channels = tuple([channel.name for channel in one.channels])
            yield _Life(one.connection, one.opened_at, None, channels, worker, _opening(one))
        for record in content.records:
            if isinstance(record, Ended) and record.was_open:
                yield _Life(
                    record.connection,
                    record.opened_at,
                    record.at,
                    record.channels,
                    worker,
                    _opening(record),
                )


def _opening(one: Open | Ended) -> str:
    agent = f" by {browser_of(one.agent)}" if one.agent else ""
    return f"from {one.address} over {one.transport}{agent}"


def _tell_opening(life: _Life, lives: list[_Life]) -> Iterator[Line]:
    before = [one for one in lives if one.since < life.since]
    ends = [one.until for one in before if one.until is not None]
    back = ""
    if ends and not any(one.is_at(life.since) for one in before):
        back = f", {life.since - max(ends):.1f} s after the last one had ended"
    text = f"Connection {life.connection} opened {life.opening}, at {life.worker}{back}."
    yield Line(life.since, text)


def _tell_records(found: Findings, lives: list[_Life]) -> Iterator[Line]:
    for worker, content in _contents(found):
        for record in content.records:
            text = _tell_record(record, worker, lives)
            if text and _is_of_interest(record, found.channel):
                yield Line(record.at, text)


def _is_of_interest(record: Record, channel: str) -> bool:
    return not channel or getattr(record, "channel", channel) in (channel, "")


def _tell_record(record: Record, worker: WorkerName, lives: list[_Life]) -> str:
    """Tell one record; empty: it is not about this user."""
    if isinstance(record, Ended):
        return _tell_end(record)
    if isinstance(record, Refused):
        where = f" on {bare(record.channel)}" if record.channel else ""
        return (
            f"A request of connection {record.connection}{where} was refused: {record.code}, "
            f"{record.cause}."
        )
    if isinstance(record, Revoked):
        why = "the user has other rights now" if record.cause else "the right was taken away"
        return f"{bare(record.channel)} was taken from connection {record.connection}: {why}."
    if isinstance(record, Recovered):
        return (
            f"Connection {record.connection} went on with {bare(record.channel)} after offset "
            f"{record.since[1]}, and received {_count(record.publications, 'publication')} that "
            "it had missed."
        )
    if isinstance(record, Missed):
        return _tell_gap(record, worker, lives)
    is_here = any(life.worker.id == worker.id and life.is_at(record.at) for life in lives)
    if lives and not is_here:
        return ""
    if isinstance(record, LinkLost):
        cause = f" ({record.cause})" if record.cause else ""
        return f"The link to Redis was lost at {worker}{cause}. Nothing arrives until it is back."
    if isinstance(record, LinkRestored):
        return f"The link to Redis is up at {worker}."
    return ""


def _tell_denials(found: Findings) -> Iterator[Line]:
    for at, channel in found.denied:
        if not found.channel or channel == found.channel:
            yield Line(at, f"Django denied {bare(channel)} to the user: AUTHORIZE refused it.")


def _tell_end(record: Ended) -> str:
    code = str(record.code)
    lived_s = record.at - record.opened_at
    hint = HINTS.get(code, "")
    by = "by the page or its network" if record.by_client or code == "1006" else "by the gateway"
    if record.was_open:
        begin = f"Connection {record.connection} was closed {by} after {lived_s:.0f} s"
    else:
        begin = f"A connect {_opening(record)} failed, closed {by}"
    cause = f", {record.cause}" if record.cause else ""
    return f"{begin}: {code}{cause}." + (f" {hint[0].upper()}{hint[1:]}." if hint else "")


def _tell_gap(record: Missed, worker: WorkerName, lives: list[_Life]) -> str:
    if record.connection:
        to = f"connection {record.connection}"
    else:
        there = [
            life.connection
            for life in lives
            if life.worker.id == worker.id
            and life.is_at(record.at)
            and record.channel in life.channels
        ]
        if not there:
            return ""
        to = " and ".join(f"connection {one}" for one in there)
    why = GAPS.get(record.cause, record.cause)
    return (
        f"Gap on {bare(record.channel)} ({record.cause}) for {to}{_positions(record)}: {why}. "
        "The page was told to read its state again."
    )


def _positions(record: Missed) -> str:
    if record.before is None or record.after is None or record.before == record.after:
        return ""
    if record.before[0] != record.after[0]:
        return f" at offset {record.before[1]} of an epoch that has ended"
    return f" between offsets {record.before[1]} and {record.after[1]}"


def _tell_publication(one: Published, found: Findings, lives: list[_Life]) -> Line:
    channel, position = found.history.channel, found.history.position
    text = f"Published on {bare(channel)} at offset {one.offset}."
    there = [life for life in lives if life.is_at(one.at) and channel in life.channels]
    reached = _offsets_reached(found, position[0] if position else "")
    for life in there:
        if life.until is not None:
            text += f" Connection {life.connection} was on it then."
        elif reached.get(life.connection, -1) >= one.offset:
            text += f" Connection {life.connection} has got beyond it."
        else:
            text += f" Connection {life.connection} has not got there yet."
    if not there:
        text += " No connection of this user was on it that is remembered."
    return Line(one.at, text)


def _offsets_reached(found: Findings, epoch: str) -> dict[str, int]:
    """Return how far the open connections are on the channel of the history."""
    return {
        one.connection: channel.position[1]
        for _, content in _contents(found)
        for one in content.connections
        for channel in one.channels
        if channel.name == found.history.channel
        and channel.position is not None
        and channel.position[0] == epoch
    }


def _tell_now(found: Findings, lives: list[_Life]) -> Iterator[str]:
    is_connected = False
    for worker, content in _contents(found):
        for one in content.connections:
            is_connected = True
            yield _tell_open(one, worker, found)
    if not is_connected:
        ever = "" if lives else ", and no worker remembers one"
        yield f"The user has no open connection{ever}."
    yield from _tell_sessions(found)
    yield from _tell_history(found)
    yield from _tell_limits(found)


def _tell_open(one: Open, worker: WorkerName, found: Findings) -> str:
    state = "is open" if one.is_checked else "is being checked"
    text = f"Connection {one.connection} {state} {_opening(one)}, at {worker}."
    if one.is_checked and one.is_held:
        text += " Its frames are held back until its session was read again."
    if one.unsent_bytes:
        text += f" {one.unsent_bytes} bytes wait until the page reads."
    for channel in one.channels:
        where = "" if channel.position is None else f" at offset {channel.position[1]}"
        if channel.is_pending:
            text += f" On {bare(channel.name)}{where}, whose history is being read."
        elif found.channel or channel.position is not None:
            text += f" On {bare(channel.name)}{where}."
    if found.channel and found.channel not in [channel.name for channel in one.channels]:
        text += f" It is not on {bare(found.channel)}."
    return text


def _tell_sessions(found: Findings) -> Iterator[str]:
    sessions = found.sessions
    if sessions.ends:
        until = time_of(max(sessions.ends))
        yield f"Redis has {_count(len(sessions.ends), 'session')} of the user, until {until} UTC."
    else:
        yield "Redis has no session of the user: nobody is logged in, or the session was deleted."
    if sessions.lost:
        evicted = (
            f" Redis has evicted {sessions.evicted_keys} keys since its start: set "
            "maxmemory-policy noeviction."
            if sessions.evicted_keys
            else " It was deleted by another program, or Redis was restarted without its data."
        )
        yield (
            f"{_count(len(sessions.lost), 'session')} that should live until "
            f"{time_of(max(sessions.lost))} UTC has no record in Redis.{evicted}"
        )
    if not sessions.has_user:
        yield (
            "Redis has no record of the user: no page with a token was rendered lately, or the "
            "user was signed out."
        )


def _tell_history(found: Findings) -> Iterator[str]:
    history, name = found.history, bare(found.history.channel)
    if history.position is None:
        yield f"{name} has no position in Redis: nothing was published there in sequence."
    else:
        yield f"{name} is at offset {history.position[1]} in Redis."


def _tell_limits(found: Findings) -> Iterator[str]:
    asked = found.asked
    for silent in asked.silent:
        yield f"{_capital(str(silent))} did not answer within {asked.deadline_s:g} s."
    if not asked.answers and not asked.silent:
        yield "No worker of a gateway is running with this Redis."
    for answer in asked.answers:
        worker = _capital(str(answer.worker))
        if answer.started_at > found.since:
            since = time_of(answer.started_at)
            yield f"{worker} started at {since} UTC, and knows nothing from before."
        if abs(answer.at - found.now) > CLOCK_TOLERANCE_S:
            yield f"The clock of {answer.worker} differs by {answer.at - found.now:.0f} s."
    for name, content in _contents(found):
        worker = _capital(str(name))
        if content.is_cut:
            yield f"{worker} left out older records, because its answer would be too large."
        if conf.current().tenant is not None:
            continue  # The numbers are those of all tenants.
        for code, number in sorted(content.unknown.items()):
            hint = HINTS.get(code, "")
            yield (
                f"{worker} has closed {_count(number, 'connection')} with {code} since its start "
                f"before it knew the user{': ' + hint if hint else ''}."
            )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
