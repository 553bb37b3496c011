"""Asking all workers, as ``sockgate_gateway.wire.inspection`` describes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from secrets import token_urlsafe
from time import monotonic
from typing import Any

from sockgate_gateway.wire.control import Ask
from sockgate_gateway.wire.errors import InspectionError
from sockgate_gateway.wire.inspection import Answer, InspectionSigner, Subject, WorkerName
from sockgate_gateway.wire.presence import read_worker

from ... import conf
from ...redis_clients import pools
from ...redis_clients.control import send_control

DEADLINE_S = 2.0

_SLICE_S = 0.5
"""A blocking read waits less than the client waits for a reply of Redis."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The answers to a question, and the workers that live and did not answer in time."""

    answers: tuple[Answer, ...]
    silent: tuple[WorkerName, ...]
    deadline_s: float


def ask(subject: Subject, deadline_s: float = DEADLINE_S) -> Asked:
    """Ask every worker.

    Args:
        subject: the question.
        deadline_s: seconds to wait for the slowest worker.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    config = conf.current()
    signer = _signer(config.signing_keys, config.names.control)
    question_id = token_urlsafe(12)
    awaited = {worker.id: worker for worker in workers()}
    deadline = monotonic() + deadline_s
    send_control(Ask(signer.ask(question_id, subject)))
    answers: dict[str, Answer] = {}
    for raw in _pushed(config.names.reply(question_id), deadline):
        try:
            answer = signer.read_answer(raw, question_id)
        except InspectionError:
            continue  # Somebody else has written it.
        answers[answer.worker.id] = answer
        if awaited.keys() <= answers.keys():
            break
    ordered = sorted(answers.values(), key=lambda one: (one.worker.host, one.worker.number))
    silent = [worker for name, worker in awaited.items() if name not in answers]
    return Asked(tuple(ordered), tuple(silent), deadline_s)


def workers() -> list[WorkerName]:
    """List the workers that live.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    names, client = conf.current().names, pools.records()
    members: Any = client.smembers(names.workers)
    found = sorted(member.decode() for member in members)
    with client.pipeline(transaction=False) as pipe:
        for worker in found:
            pipe.get(names.worker(worker))
        beats = pipe.execute()
    live = zip(found, beats, strict=True)
    return [read_worker(worker, beat) for worker, beat in live if beat is not None]


def _pushed(key: str, deadline: float) -> Iterator[bytes]:
    client: Any = pools.records()
    # A timeout of 0 would wait forever.
    while (left_s := deadline - monotonic()) > 0.001:
        found = client.blpop([key], timeout=min(left_s, _SLICE_S))
        if found is not None:
            yield found[1]


@cache
def _signer(keys: tuple[str, ...], place: str) -> InspectionSigner:
    return InspectionSigner(keys, place)
