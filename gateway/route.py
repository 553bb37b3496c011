"""One channel that somebody hears: where it stands, and what its connections are given. Pure.

Strategy: a route flows or it is held. While it flows, each sequenced publication must follow the
last one; plain ones pass. It is held from its beginning until Redis has confirmed the
subscription and has said where the channel stands, from a hole in the sequence or a step back in
it, from the loss of the link, and while a newcomer asks for what he missed. Whatever arrives
meanwhile waits (``gateway/backlog.py``), for all its connections alike. Then ``settle`` takes one
reading of the history: those who were here are given what they lack, newcomers what they missed,
or each is told of the gap; and what has waited follows, without what the reading already held. So
the order of a channel is made in one place.
"""

from collections import Counter
from collections.abc import Iterable

from .backlog import Backlog
from .batch import Batch
from .connection import Connection
from .errors import BrokerUnavailable
from .newcomers import Newcomer, Standing
from .recovery import Question, Reading, came_too_soon
from .wire.messages import gap
from .wire.namespaces import Policy
from .wire.publication import Position, Publication, publication_frame, publication_head


class Route:
    """A channel that somebody hears.

    Args:
        channel: its name.
        policy: of its namespace.
        held_limit_bytes: how much may wait while the route is held.
        gaps: counts those who are told of a gap, by cause.

    ``conflation_key`` names what a newer publication may replace; it is None when nothing may.
    """

    __slots__ = (
        "_gaps",
        "_heard",
        "_held",
        "_held_limit_bytes",
        "_is_lost",
        "channel",
        "conflation_key",
        "connections",
        "has_plain",
        "head",
        "newcomers",
        "policy",
        "position",
    )

    def __init__(
        self,
        channel: str,
        policy: Policy,
        held_limit_bytes: int,
        gaps: Counter[str] | None = None,
    ) -> None:
        self.channel = channel
        self.head = publication_head(channel)
        self._follow(policy)
        self.connections: dict[Connection, None] = {}
        self.newcomers: dict[Connection, Newcomer] = {}
        self.position: Position | None = None
        self.has_plain = False
        self._held: Backlog | None = None
        self._held_limit_bytes = held_limit_bytes
        self._gaps: Counter[str] = Counter() if gaps is None else gaps
        self._heard: Position | None = None
        self._is_lost = False

    @property
    def is_held(self) -> bool:
        """Tell whether publications wait until the history was read."""
        return self._held is not None

    @property
    def is_lost(self) -> bool:
        """Tell whether publications may have been missed since the route last flowed."""
        return self._is_lost

    @property
    def is_empty(self) -> bool:
        """Tell whether nobody hears the channel, nor waits to."""
        return not self.connections and not self.newcomers

    def obey(self, policy: Policy) -> None:
        """Follow another policy from now on."""
        if policy.recover != self.policy.recover:
            self.position = self._heard = None
            self.hold().is_overtaken = True
        self._follow(policy)

    def hold(self) -> Backlog:
        """Let publications wait from now on, and give where."""
        if self._held is None:
            self._held = Backlog(self._held_limit_bytes)
        return self._held

    def lose(self) -> None:
        """Note that the link is lost: what is published now is missed."""
        self._is_lost = True
        self.hold().is_overtaken = True

    def admit(self, connection: Connection, newcomer: Newcomer) -> bool:
        """Let a connection hear the channel: at once (True), or when the history was read."""
        if self._held is None and self._knows(newcomer.since):
            self._take_in(connection, newcomer, Reading(self.position))
            return True
        self.newcomers[connection] = newcomer
        self.hold()
        return False

    def has(self, connection: Connection) -> bool:
        """Tell whether a connection hears the channel, or waits to."""
        return connection in self.connections or connection in self.newcomers

    def remove(self, connection: Connection) -> None:
        """Let a connection hear no more."""
        self.connections.pop(connection, None)
        newcomer = self.newcomers.pop(connection, None)
        if newcomer is not None:
            newcomer.forget()

    def take(self, publication: Publication) -> bytes | None:
        """Give the frame of what is published next; None when it waits, or was given before."""
        if self._held is not None:
            self._keep(self._held, publication)
            return None
        if not publication.offset:
            self.has_plain = True
        elif not self.policy.recover:
            publication = Publication(publication.payload)
        elif not self._follows(publication):
            return None
        return publication_frame(self.head, publication)

    def question(self) -> Question | None:
        """Ask what must be read before the route can flow; None when it has no history."""
        held, after = self.hold(), self._wanted_after()
        held.ask(after)
        if not self.policy.recover:
            return None
        return Question(self.channel, held.furthest(self.position), after)

    def settle(self, reading: Reading | None) -> list[Connection]:
        """Give everybody what he lacks, or tell him of the gap, and flow again.

        Args:
            reading: the answer to ``question``; None when there was no question.

        Returns:
            The newcomers that hear the channel from now on.
        """
        held = self._held
        if held is None or held.is_overtaken:
            return []
        told = reading or Reading(None)
        self._catch_up(told)
        self._go_on_from(told.position)
        newcomers, self.newcomers = self.newcomers, {}
        for connection, newcomer in newcomers.items():
            if came_too_soon(told, newcomer.since, held):
                self.newcomers[connection] = newcomer  # So it is read again.
            else:
                self._take_in(connection, newcomer, told)
        self._held, self._is_lost = None, False
        self._deliver(self._frames(held.still_due() if self.policy.recover else held))
        if self.newcomers:
            self.hold()
        return [connection for connection in newcomers if connection in self.connections]

    def give_up(self, error: BrokerUnavailable) -> list[Connection]:
        """Note that the history cannot be read now, and flow on if nothing is missing.

        Returns:
            The newcomers that were turned away.
        """
        newcomers, self.newcomers = self.newcomers, {}
        for newcomer in newcomers.values():
            newcomer.turn_away(error)
        if self.position is not None and not self._is_lost:
            held, self._held = self._held, None
            self._deliver(self._frames(held or ()))
        return list(newcomers)

    def _follow(self, policy: Policy) -> None:
        self.policy = policy
        self.conflation_key = self.head if policy.overflow == "latest" else None

    def _knows(self, since: Position | None) -> bool:
        if not self.policy.recover:
            return True
        return self.position is not None and since in (None, self.position)

    def _take_in(self, connection: Connection, newcomer: Newcomer, reading: Reading) -> None:
        since = newcomer.since
        missed = None if since is None else reading.after(since)
        frames = self._replay(missed or ())
        size_bytes = sum(map(len, frames))
        if missed is None or size_bytes > newcomer.room_bytes:
            is_recovered = None if since is None else False
            if since is not None:
                self._gaps[reading.hinders(since) or "size"] += 1
            newcomer.welcome(Standing(reading.position, is_recovered), 0)
            frames = ()
        else:
            newcomer.welcome(Standing(since, is_recovered=True), size_bytes)
        self.connections[connection] = None
        if frames:
            connection.outlet.send(Batch(frames))

    def _go_on_from(self, position: Position | None) -> None:
        # What the reading held may still come on the link: in order, from wherever that is.
        is_same = self._heard and position and self._heard[0] == position[0]
        self._heard = (position[0], 0) if position and is_same else None
        self.position = position

    def _catch_up(self, reading: Reading) -> None:
        """Give those who were here before what they lack."""
        missed = None if self.position is None else reading.after(self.position)
        if missed is not None:
            self._deliver(self._replay(missed))
        if cause := self._gap_cause(reading):
            self._gaps[cause] += len(self.connections)
            self._deliver((gap(self.channel, reading.position),))

    def _gap_cause(self, reading: Reading) -> str:
        """Name why those who were here before may lack something even now, or nothing."""
        if not self.policy.recover:
            return "plain" if self._is_lost else ""
        # Where nothing was ever sequenced, plain publications are what was missed.
        was_sequenced = reading.position is not None and reading.position[1] > 0
        may_lack_plain = self._is_lost and (self.has_plain or not was_sequenced)
        return reading.hinders(self.position) or ("plain" if may_lack_plain else "")

    def _follows(self, publication: Publication) -> bool:
        at = (publication.epoch, publication.offset)
        if self._is_next(at):
            self.position = self._heard = at
            return True
        if self._is_repeated(at):
            self._heard = at
        else:
            self._keep(self.hold(), publication)
        return False

    def _is_next(self, at: Position) -> bool:
        if self.position is None:
            return False
        epoch, offset = self.position
        if at[0] == epoch:
            return at[1] == offset + 1
        # Redis has begun anew, and while the link stands nothing lies between. But where this
        # epoch is known from a reading only, what is heard now may be older than the reading;
        # and where publications replace one another, a browser may not be given the first.
        is_epoch_heard = self._heard is not None and self._heard[0] == epoch
        return at[1] == 1 and is_epoch_heard and self.conflation_key is None

    def _is_repeated(self, at: Position) -> bool:
        """Tell whether a publication was in the last reading, and is only now heard.

        The link brings each publication once and in order. One that it has brought before, or
        passed over, is another's: a server that lacks the last ones gives their offsets again.
        """
        if self.position is None or at[0] != self.position[0] or at[1] > self.position[1]:
            return False
        return self._heard is None or self._heard[0] != at[0] or self._heard[1] < at[1]

    def _keep(self, held: Backlog, publication: Publication) -> None:
        """Let a publication wait; what does not fit is in the history, or is told as a gap."""
        if not held.add(publication):
            self.has_plain = self.has_plain or held.has_plain
            self._is_lost = True
            held.clear()

    def _wanted_after(self) -> int | None:
        """Give the first offset that somebody lacks; of other epochs nothing can be given."""
        known = [newcomer.since for newcomer in self.newcomers.values()]
        if self.connections:
            known.append(self.position)
        epoch = self.position[0] if self.position else None
        offsets = [at[1] for at in known if at and at[0] and epoch in (None, at[0])]
        return min(offsets, default=None)

    def _frames(self, publications: Iterable[Publication]) -> tuple[bytes, ...]:
        return tuple([frame for found in publications if (frame := self.take(found))])

    def _replay(self, missed: Iterable[Publication]) -> tuple[bytes, ...]:
        return tuple([publication_frame(self.head, found) for found in missed if found.payload])

    def _deliver(self, frames: tuple[bytes, ...]) -> None:
        if frames:
            batch = Batch(frames)
            for connection in self.connections:
                connection.outlet.send(batch)
