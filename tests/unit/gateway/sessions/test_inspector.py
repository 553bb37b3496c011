"""A worker answers signed questions about a user, once each, with bounded answers."""

from sockgate_gateway.sessions.inspector import BURST_S, PER_SECOND
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.control import Ask, RevokeUser
from sockgate_gateway.wire.inspection import (
    MAX_ANSWER_BYTES,
    Answer,
    AskWhy,
    Ended,
    InspectionSigner,
    LinkLost,
    LinkRestored,
    Missed,
)

from tests.unit.gateway.memory_worker import KEY, MemoryWorker
from tests.waiting import turn_loop


def signer(worker: MemoryWorker, key: str = KEY) -> InspectionSigner:
    return InspectionSigner([key], worker.broker.names.control, worker.clock.read)


def ask(worker: MemoryWorker, uid: str = "7", question_id: str = "id", channel: str = "") -> Answer:
    """Ask, and return the one answer."""
    text = signer(worker).ask(question_id, AskWhy(uid, 0.0, channel))
    worker.broker.publish_control(Ask(text))
    (raw,) = worker.broker.answers(question_id)
    return signer(worker).read_answer(raw, question_id)


async def test_open_connection_is_described(worker: MemoryWorker) -> None:
    worker.clock.advance(5)
    client = await worker.connect_client("sid", "7", "editors")
    worker.clock.advance(10)
    (found,) = ask(worker).content.connections
    assert (found.connection, found.uid) == (client.connection.id, "7")
    assert (found.address, found.transport, found.agent) == ("192.0.2.1", "fake", "a browser")
    assert found.opened_at == worker.clock.now - 10
    assert [one.name for one in found.channels] == ["user:7", "broadcast", "group:editors"]
    assert (found.is_checked, found.is_held) == (True, False)
    assert ask(worker, "8", "other").content.connections == []


async def test_end_is_remembered_with_code_and_cause(worker: MemoryWorker) -> None:
    await worker.connect_client()
    worker.broker.publish_control(RevokeUser("7"))
    (record,) = ask(worker).content.records
    assert isinstance(record, Ended)
    assert (record.code, record.cause) == (4500, "Django ended all sessions of the user")
    assert record.channels == ("user:7", "broadcast")


async def test_refused_connect_is_remembered_for_the_user_of_its_token(
    worker: MemoryWorker,
) -> None:
    token = worker.log_in()
    worker.broker.delete_session("sid")
    client = worker.open_client()
    client.send_token(token)
    await turn_loop()
    assert client.code is CloseCode.SESSION_UNKNOWN
    (record,) = ask(worker).content.records
    assert isinstance(record, Ended)
    assert (record.code, record.was_open) == (4402, False)


async def test_connection_too_many_is_remembered(clock) -> None:
    worker = MemoryWorker(clock, max_per_user=1)
    await worker.connect_client()
    client = worker.open_client()
    client.send_token(worker.log_in())
    assert client.code is CloseCode.TOO_MANY_CONNECTIONS
    assert [record.code for record in ask(worker).content.records] == [4503]


async def test_forged_token_is_counted_without_a_user(worker: MemoryWorker) -> None:
    worker.open_client().send_token("forged")
    answer = ask(worker)
    assert (answer.content.unknown, answer.content.records) == ({"4400": 1}, [])


async def test_lost_link_is_remembered_once(worker: MemoryWorker) -> None:
    await worker.connect_client()
    worker.broker.cut()
    worker.control_messages.link_lost("again")
    worker.broker.mend()
    records = ask(worker).content.records
    of_worker = [type(one) for one in records if not isinstance(one, Missed)]
    assert of_worker == [LinkLost, LinkRestored]


async def test_gap_of_a_channel_is_told_to_those_who_ask_for_it(worker: MemoryWorker) -> None:
    await worker.connect_client()
    worker.journal.missed_by_all("user:7", "plain", 1, ("e", 3), ("e", 3))
    worker.journal.missed_by_all("room:9", "plain", 1, None, None)
    (record,) = ask(worker).content.records
    assert isinstance(record, Missed) and record.channel == "user:7"
    assert ask(worker, "7", "open").content.connections[0].gaps == 1
    assert [one.channel for one in ask(worker, "8", "two", "room:9").content.records] == ["room:9"]


async def test_forged_question_is_not_answered_and_is_logged(worker: MemoryWorker, caplog) -> None:
    text = signer(worker, "another key that the gateway does not have").ask("id", AskWhy("7", 0))
    for _ in range(3):
        worker.broker.publish_control(Ask(text))
    assert worker.broker.answers("id") == []
    assert caplog.text.count("event=question_refused cause=forged") == 1


async def test_question_is_answered_once(worker: MemoryWorker) -> None:
    text = signer(worker).ask("id", AskWhy("7", 0))
    for _ in range(int(2 * PER_SECOND * BURST_S)):
        worker.broker.publish_control(Ask(text))
    assert len(worker.broker.answers("id")) == 1
    assert ask(worker, "7", "another").question == "another"


async def test_questions_beyond_the_rate_are_not_answered(worker: MemoryWorker) -> None:
    asked = int(2 * PER_SECOND * BURST_S)
    for number in range(asked):
        worker.broker.publish_control(Ask(signer(worker).ask(str(number), AskWhy("7", 0))))
    answered = sum(len(worker.broker.answers(str(number))) for number in range(asked))
    assert 0 < answered <= PER_SECOND * BURST_S
    worker.clock.advance(BURST_S)
    assert ask(worker, "7", "later").question == "later"


async def test_answer_is_cut_to_its_limit(clock) -> None:
    worker = MemoryWorker(clock, max_per_user=500, max_connections=500)
    client = await worker.connect_client()
    for number in range(500):
        worker.journal.missed_by_all("user:7", "plain", 1, None, None)
        worker.journal.refused(client.connection, "r" * 255, "not_allowed", f"{number}" + "é" * 999)
    for number in range(400):
        await worker.connect_client(f"sid{number}")
    worker.broker.publish_control(Ask(signer(worker).ask("id", AskWhy("7", 0))))
    (raw,) = worker.broker.answers("id")
    assert len(raw) < MAX_ANSWER_BYTES + 100
    answer = signer(worker).read_answer(raw, "id")
    assert answer.content.is_cut
    assert 0 < len(answer.content.connections) < 401
