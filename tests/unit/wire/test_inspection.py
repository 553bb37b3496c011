"""Questions and answers are refused unless they are signed, fresh, and of this deployment."""

import msgspec
import pytest
from sockgate_gateway.wire.errors import InspectionError
from sockgate_gateway.wire.inspection import (
    ANSWER_SALT,
    MAX_QUESTION_BYTES,
    QUESTION_AGE_S,
    QUESTION_SALT,
    Answer,
    AskWhy,
    InspectionSigner,
    Why,
    WorkerName,
)
from sockgate_gateway.wire.tokens import CLOCK_LEEWAY_S

KEY, OTHER_KEY = "a signing key of these tests", "another signing key of these tests"
PLACE = "sockgate:control"
NOW = 1_700_000_000.0
TOO_OLD_S = QUESTION_AGE_S + CLOCK_LEEWAY_S + 1


def signer(key: str = KEY, place: str = PLACE, now: float = NOW) -> InspectionSigner:
    return InspectionSigner([key], place, lambda: now)


def answer(question: str = "id") -> Answer:
    return Answer(question, WorkerName("w", "web1", 2, 9), NOW, NOW - 60, Why([], []))


def test_question_and_answer_come_back_as_they_were() -> None:
    asked = AskWhy("7", 5.0, "room:7")
    question = signer().read_question(signer().ask("id", asked))
    assert (question.id, question.subject) == ("id", asked)
    assert signer().read_answer(signer().answer(answer()), "id") == answer()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (signer(OTHER_KEY).ask("id", AskWhy("7", 0)), "forged"),
        (signer(place="other:control").ask("id", AskWhy("7", 0)), "other_place"),
        (
            signer(now=NOW - TOO_OLD_S).ask("id", AskWhy("7", 0)),
            "expired",
        ),
        (signer(now=NOW + CLOCK_LEEWAY_S + 1).ask("id", AskWhy("7", 0)), "future"),
        (signer().answer(answer()).decode(), "forged"),
        (signer().ask("id", AskWhy("7", 0)).replace("7", "8", 1), "forged"),
        ("{}", "forged"),
        ("\ud800", "forged"),
        ("x" * (MAX_QUESTION_BYTES + 1), "too_large"),
    ],
)
def test_question_is_refused(text: str, cause: str) -> None:
    with pytest.raises(InspectionError) as error:
        signer().read_question(text)
    assert error.value.cause == cause


def test_question_of_another_version_is_refused() -> None:
    text = signer()._questions._signer.sign(b'{"id":"a","place":"p","subject":{"type":"new"}}')
    with pytest.raises(InspectionError, match="unknown"):
        signer().read_question(text.decode())


def test_answer_to_another_question_is_refused() -> None:
    with pytest.raises(InspectionError, match="other_question"):
        signer().read_answer(signer().answer(answer("another")), "id")


def test_question_is_no_answer() -> None:
    with pytest.raises(InspectionError, match="forged"):
        signer().read_answer(signer().ask("id", AskWhy("7", 0)).encode(), "id")
    assert QUESTION_SALT != ANSWER_SALT


def test_answer_shows_a_worker_by_its_place() -> None:
    assert str(WorkerName("w", "web1", 2, 9)) == "worker 2 of web1"
    assert str(WorkerName("w")) == "worker w"
    assert b"web1" in msgspec.json.encode(answer())
