"""Requests of an open connection, while something changes."""

from sockgate_gateway.wire.tokens import Token

from tests.waiting import until


async def test_token_refresh_does_not_restore_a_group_removed_meanwhile(worker):
    """The session is read just before the change, and the reply arrives just after its message."""
    client = await worker.connect_client("sid", "7", "editors")
    late = worker.delay_next_reply()
    client.send({"type": "refresh", "token": worker.signer.issue(Token("sid", "7"))})
    await until(late.is_read.is_set)
    worker.log_in("sid", "7")
    worker.monitor.user_changed("7")
    await until(lambda: not worker.revalidator._background._tasks)
    assert "group:editors" not in client.connection.channels
    late.may_arrive.set()
    await until(lambda: client.frames()[-1:] and not worker.requests._background._tasks)
    await until(lambda: not worker.revalidator._background._tasks)
    assert "group:editors" not in client.connection.channels
