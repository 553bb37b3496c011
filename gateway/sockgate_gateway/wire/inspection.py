"""Questions of Django to the workers, and their answers: what happened to a user, and why. Pure.

A question is a control message, ``Ask``. Each worker pushes its answer to the list
``Names.reply(question.id)``, which expires. Whoever may publish in Redis could ask, and whoever may
write there could answer. So both are signed with the signing keys, which Redis does not hold. A
question is for one deployment (``place``) and is refused when it is old or was asked before. An
answer names its question and its worker. Neither has a payload, a token or the key of a session.
"""

from collections.abc import Callable, Sequence
from time import time
from typing import Annotated, TypeVar

import msgspec
from itsdangerous import BadSignature

from .clock_signer import ClockSigner
from .contract import Position
from .errors import InspectionError
from .tokens import CLOCK_LEEWAY_S

QUESTION_SALT = "sockgate.question.v1"
ANSWER_SALT = "sockgate.answer.v1"

QUESTION_AGE_S = 10.0
"""The age at which a question is refused, on top of the clock leeway."""

MAX_ANSWER_BYTES = 64 * 1024
MAX_QUESTION_BYTES = 4 * 1024
MAX_AGENT_LENGTH = 160
MAX_CAUSE_LENGTH = 200
MAX_CHANNELS = 32
"""The number of channels of a connection that are remembered at its end, and told of while it is
open."""

MAX_USERS = 100
"""The users of one question about now."""

MAX_CONNECTIONS = 32
"""The connections of each of them."""

Channels = tuple[str, ...]


class Ended(msgspec.Struct, tag="ended", frozen=True, gc=False, omit_defaults=True):
    """A connection has ended. Times are Unix seconds, here and below.

    Args:
        at: when it ended.
        connection: its public id.
        opened_at: when it began.
        transport: its name.
        address: of the client.
        agent: the user agent, as the client says.
        code: the close code.
        by_client: whether the client has closed it.
        cause: for operators.
        was_open: False: it had not received ``connected``.
        channels: those it had, at most ``MAX_CHANNELS``.
    """

    at: float
    connection: str
    opened_at: float
    transport: str
    address: str
    agent: str
    code: int
    by_client: bool
    cause: str
    was_open: bool
    channels: Channels = ()


class Refused(msgspec.Struct, tag="refused", frozen=True, gc=False, omit_defaults=True):
    """A request of a connection was refused. ``code`` and ``cause``: as the client was told."""

    at: float
    connection: str
    channel: str
    code: str
    cause: str


class Revoked(msgspec.Struct, tag="revoked", frozen=True, gc=False, omit_defaults=True):
    """A channel was taken from a connection. ``cause``: empty, or ``rights_changed``."""

    at: float
    connection: str
    channel: str
    cause: str = ""


class Recovered(msgspec.Struct, tag="recovered", frozen=True, gc=False, omit_defaults=True):
    """A connection went on after a position, and received publications that it had missed."""

    at: float
    connection: str
    channel: str
    since: Position
    publications: int


class Missed(msgspec.Struct, tag="missed", frozen=True, gc=False, omit_defaults=True):
    """``gap`` was sent.

    Args:
        channel: on which.
        cause: as in ``sockgate_gaps_total``.
        connection: to which; empty: to all connections that were subscribed.
        connections: their number.
        before: the position up to which they had received the channel; None: unknown.
        after: where they go on; None: the channel has no position.
    """

    at: float
    channel: str
    cause: str
    connection: str = ""
    connections: int = 1
    before: Position | None = None
    after: Position | None = None


class LinkLost(msgspec.Struct, tag="link_lost", frozen=True, gc=False):
    """The worker has lost its link to Redis."""

    at: float
    cause: str


class LinkRestored(msgspec.Struct, tag="link_restored", frozen=True, gc=False):
    """The link is back, or stands for the first time."""

    at: float


OfUser = Ended | Refused | Revoked | Recovered | Missed
OfWorker = LinkLost | LinkRestored
Record = OfUser | OfWorker


class OnChannel(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One channel of an open connection.

    Args:
        name: of the channel.
        position: up to which its connections in this worker are; None: unknown.
        is_pending: the subscription is not confirmed yet, or the history is being read.
    """

    name: str
    position: Position | None = None
    is_pending: bool = False


class Open(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An open connection.

    Args:
        is_held: its frames are held back: its session is being read.
        is_checked: False: its token is verified, and its session is not read yet.
        unsent_bytes: what waits until the client reads.
        gaps: frames ``gap`` that it has received and that are remembered.
        recoveries: recoveries that are remembered.
        channel_count: how many channels it has; ``channels`` lists at most ``MAX_CHANNELS``.
    """

    connection: str
    uid: str | None
    opened_at: float
    transport: str
    address: str
    agent: str
    is_held: bool = False
    is_checked: bool = True
    unsent_bytes: int = 0
    gaps: int = 0
    recoveries: int = 0
    channel_count: int = 0
    channels: tuple[OnChannel, ...] = ()


class AskWhy(msgspec.Struct, tag="why", frozen=True):
    """Ask what happened to a user, and to a channel, since a moment.

    ``channel``: of interest; empty: all channels of the user's connections. ``watch``: a channel
    that is touched for a while when connections come and go; empty: none.
    """

    uid: str
    since: float
    channel: str = ""
    watch: str = ""


class Why(msgspec.Struct, tag="why", frozen=True, omit_defaults=True):
    """What a worker knows of a user.

    Args:
        connections: the open ones.
        records: of the user, of the channels, and of the worker.
        unknown: connects that were refused before their user was known, by close code.
        is_cut: older records were left out, because the answer would be too large.
    """

    connections: list[Open]
    records: list[Record]
    unknown: dict[str, int] = {}
    is_cut: bool = False


class AskNow(msgspec.Struct, tag="now", frozen=True):
    """Ask how a worker is, and for the connections of users, ``MAX_CONNECTIONS`` of each.

    ``watch``: as of ``AskWhy``.
    """

    uids: Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_USERS)] = ()
    watch: str = ""


class WorkerState(msgspec.Struct, frozen=True):
    """How a worker is.

    Args:
        reasons: why it is not ready; none: it is.
        notes: what is wrong although it is.
        connections: open ones.
        users: with at least one of them.
        lag_s: 99 of 100 turns of its loop were no later than this, in the last minute or two.
        resident_bytes: its memory.
        redis_s: the fastest of the last answers of Redis; None: none came.
        version: of the gateway.
        keys: the key ids of its signing keys.
        last_hour: for each minute, the newest last: its connections, and deliveries in that minute.
    """

    reasons: list[str]
    notes: list[str]
    connections: int
    users: int
    lag_s: float
    resident_bytes: float
    redis_s: float | None
    version: str
    keys: tuple[str, ...]
    last_hour: list[tuple[int, int]]


class Now(msgspec.Struct, tag="now", frozen=True, omit_defaults=True):
    """How a worker is, and connections of users. ``is_cut``: some were left out."""

    state: WorkerState
    connections: list[Open]
    is_cut: bool = False


Subject = AskWhy | AskNow
Content = Why | Now


class WorkerName(msgspec.Struct, frozen=True, omit_defaults=True):
    """A worker, for people. ``number``: among those of its supervisor, from 0."""

    id: str
    host: str = ""
    number: int = 0
    pid: int = 0

    def __str__(self) -> str:
        return f"worker {self.number} of {self.host}" if self.host else f"worker {self.id}"


class Question(msgspec.Struct, frozen=True):
    """A question to every worker of a deployment.

    Args:
        id: random; names the list of answers, and is good for one answer of each worker.
        place: the control channel of the deployment.
    """

    id: str
    place: str
    subject: Subject


class Answer(msgspec.Struct, frozen=True):
    """The answer of one worker.

    Args:
        question: the id of the question.
        worker: answers.
        at: the clock of the worker.
        started_at: what was before, this worker does not know.
    """

    question: str
    worker: WorkerName
    at: float
    started_at: float
    content: Content


T = TypeVar("T", Question, Answer)


class _Seal:
    def __init__(self, keys: Sequence[str], salt: str, clock: Callable[[], float]) -> None:
        if not keys or not all(keys):
            raise ValueError("at least one signing key is needed, and none may be empty")
        self._clock = clock
        self._signer = ClockSigner(keys, salt, clock)

    def write(self, content: Question | Answer) -> bytes:
        return self._signer.sign(msgspec.json.encode(content))

    def read(self, text: bytes, kind: type[T]) -> T:
        try:
            raw, signed_at = self._signer.unsign(text, return_timestamp=True)
        except (BadSignature, ValueError) as error:
            raise InspectionError("forged") from error
        age_s = self._clock() - signed_at.timestamp()
        if not -CLOCK_LEEWAY_S <= age_s <= QUESTION_AGE_S + CLOCK_LEEWAY_S:
            raise InspectionError("expired" if age_s > 0 else "future")
        try:
            return msgspec.json.decode(raw, type=kind)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise InspectionError("unknown") from error


class InspectionSigner:
    """Sign and verify questions and answers.

    Args:
        keys: signing keys, oldest first; the last one signs, all of them verify.
        place: the control channel of the deployment.
        clock: returns Unix seconds.
    """

    def __init__(self, keys: Sequence[str], place: str, clock: Callable[[], float] = time) -> None:
        self._place = place
        self._questions = _Seal(keys, QUESTION_SALT, clock)
        self._answers = _Seal(keys, ANSWER_SALT, clock)

    def ask(self, question_id: str, subject: Subject) -> str:
        """Sign a question."""
        return self._questions.write(Question(question_id, self._place, subject)).decode()

    def read_question(self, text: str) -> Question:
        """Verify a question.

        Raises:
            InspectionError: it is not signed, too old, of another deployment or another version.
        """
        if len(text) > MAX_QUESTION_BYTES:
            raise InspectionError("too_large")
        question = self._questions.read(text.encode(errors="replace"), Question)
        if question.place != self._place:
            raise InspectionError("other_place")
        return question

    def answer(self, answer: Answer) -> bytes:
        """Sign an answer."""
        return self._answers.write(answer)

    def read_answer(self, raw: bytes, question_id: str) -> Answer:
        """Verify an answer to a question.

        Raises:
            InspectionError: it is not signed, too old, or an answer to another question.
        """
        answer = self._answers.read(raw, Answer)
        if answer.question != question_id:
            raise InspectionError("other_question")
        return answer
