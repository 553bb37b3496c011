"""How sessions end (SockJS protocol 0.3.3, Protocol and HandlingClose)."""

import pytest

STILL_OPEN = 'c[2010,"Another connection still open"]\n'
INTERRUPTED = 'c[1002,"Connection interrupted"]\n'
GOING_AWAY = 'c[3000,"going away"]\n'
PATH = "/000/abc"


def open_stream(service):
    stream = service.browser.stream("POST", PATH + "/xhr_streaming")
    assert stream.read_chunk().startswith("h")
    return stream


class TestClosed:
    def test_closed_session_answers_every_poll_with_the_close_frame(self, serve):
        service = serve("close")
        assert service.browser.post(PATH + "/xhr").body == "o\n"
        for _ in range(2):
            assert service.browser.post(PATH + "/xhr").body == GOING_AWAY

    def test_closed_session_answers_every_stream_with_the_close_frame(self, serve):
        service = serve("close")
        first = open_stream(service)
        assert [first.read_chunk(), first.read_chunk()] == ["o\n", GOING_AWAY]
        second = open_stream(service)
        assert second.read_chunk() == GOING_AWAY
        assert first.read_chunk() == ""
        assert second.read_chunk() == ""

    def test_closed_session_is_removed_after_the_delay(self, serve):
        service = serve("close")
        service.browser.post(PATH + "/xhr")
        service.until(lambda: service.closed)
        service.advance(4)
        assert service.browser.post(PATH + "/xhr").body == GOING_AWAY
        service.advance(2)
        assert service.sessions() == []
        assert service.browser.post(PATH + "/xhr").body == "o\n"

    def test_refused_session_is_removed_at_once(self, serve):
        service = serve("refuse")
        service.browser.post(PATH + "/xhr")
        assert service.sessions() == []

    def test_refused_stream_ends(self, serve):
        stream = open_stream(serve("refuse late"))
        assert stream.read_chunk() == 'c[3002,"too many connections, try again later"]\n'
        assert stream.read_chunk() == ""


class TestAway:
    def test_browser_without_requests_is_disconnected(self, serve):
        service = serve()
        service.browser.post(PATH + "/xhr")
        service.advance(6)
        assert service.closed == [1006]
        assert service.sessions() == []

    def test_browser_that_polls_in_time_stays_connected(self, serve):
        service = serve()
        service.browser.post(PATH + "/xhr")
        for _ in range(3):
            service.advance(4)
            service.send("a")
            assert service.browser.post(PATH + "/xhr").body == 'a["a"]\n'
        assert service.closed == []

    def test_waiting_browser_stays_connected(self, serve):
        service = serve()
        service.browser.post(PATH + "/xhr")
        service.browser.begin("POST", PATH + "/xhr")
        service.until_waiting()
        service.advance(20)
        assert service.closed == []

    def test_stream_that_is_read_stays_open(self, serve):
        service = serve()
        stream = open_stream(service)
        stream.read_chunk()
        for _ in range(3):
            service.advance(26)
            assert stream.read_chunk() == "h\n"
        assert service.closed == []


class TestSecondResponse:
    def test_second_poll_is_refused_and_the_first_continues(self, serve):
        service = serve()
        service.browser.post(PATH + "/xhr")
        first = service.browser.begin("POST", PATH + "/xhr")
        service.until_waiting()
        second = service.browser.post(PATH + "/xhr")
        assert (second.status, second.body) == (200, STILL_OPEN)
        service.send("a")
        assert first.read_response().body == 'a["a"]\n'

    def test_second_stream_is_refused_and_ends(self, serve):
        service = serve()
        first = open_stream(service)
        assert first.read_chunk() == "o\n"
        second = open_stream(service)
        assert second.read_chunk() == STILL_OPEN
        assert second.read_chunk() == ""
        service.send("a")
        assert first.read_chunk() == 'a["a"]\n'


class TestInterrupted:
    def test_interrupted_stream_ends_the_session(self, serve):
        service = serve()
        stream = open_stream(service)
        stream.read_chunk()
        stream.close()
        service.until(lambda: service.closed == [1002])
        after = open_stream(service)
        assert after.read_chunk() == INTERRUPTED
        assert after.read_chunk() == ""

    def test_interrupted_poll_ends_the_session(self, serve):
        service = serve()
        service.browser.post(PATH + "/xhr")
        poll = service.browser.begin("POST", PATH + "/xhr")
        service.until_waiting()
        poll.close()
        service.until(lambda: service.closed == [1002])
        assert service.browser.post(PATH + "/xhr").body == INTERRUPTED

    @pytest.mark.parametrize("transport", ["xhr", "xhr_streaming"])
    def test_message_to_an_interrupted_response_does_not_count_as_sent(self, serve, transport):
        service = serve()
        service.browser.post(PATH + "/xhr")
        service.browser.begin("POST", f"{PATH}/{transport}")
        service.until_waiting()
        session = service.sessions()[0]

        def close_and_receive():
            session.handler.stream.close()
            session.server.lifecycle.receive(session.conn.connection, "a")

        service.run(close_and_receive)
        service.until(lambda: service.closed == [1002])


class TestMalformedBodies:
    @pytest.mark.parametrize(
        "body", ["{}", '"text"', "5", "null", "true", "[1]", '["a", null]', '[["a"]]', '["a", {}]']
    )
    @pytest.mark.parametrize("sender", ["xhr_send", "jsonp_send"])
    def test_body_of_another_shape_is_refused_and_the_session_continues(self, serve, sender, body):
        service = serve()
        service.browser.post(PATH + "/xhr")
        answer = service.browser.post(f"{PATH}/{sender}", body)
        assert (answer.status, answer.body) == (500, "Payload expected.")
        assert service.closed == []
        assert service.received == []
        assert service.browser.post(f"{PATH}/{sender}", '["a"]').status in (200, 204)
        assert service.received == ["a"]

    def test_poll_goes_on_waiting_beside_a_refused_body(self, serve):
        service = serve()
        service.browser.post(PATH + "/xhr")
        poll = service.browser.begin("POST", PATH + "/xhr")
        service.until_waiting()
        assert service.browser.post(PATH + "/xhr_send", "[1]").status == 500
        service.send("news")
        assert poll.read_response().body == 'a["news"]\n'

    @pytest.mark.parametrize("body", ["{", "[1", "nul", "\xff", "[" * 5000, "a[]", "[]]"])
    @pytest.mark.parametrize("sender", ["xhr_send", "jsonp_send"])
    def test_invalid_json_is_answered_with_500_and_the_session_continues(self, serve, sender, body):
        service = serve()
        service.browser.post(PATH + "/xhr")
        answer = service.browser.post(f"{PATH}/{sender}", body.encode("latin-1"))
        assert (answer.status, answer.body) == (500, "Broken JSON encoding.")
        assert service.closed == []
        assert service.browser.post(f"{PATH}/{sender}", '["a"]').status in (200, 204)


class TestMessages:
    def test_long_message_is_closed_with_its_code(self, serve):
        service = serve(max_frame=8)
        service.browser.post(PATH + "/xhr")
        assert service.browser.post(PATH + "/xhr_send", '["123456789"]').status == 204
        assert service.browser.post(PATH + "/xhr").body == 'c[4502,"message too large"]\n'

    def test_messages_after_a_close_are_ignored(self, serve):
        service = serve("bye")
        service.browser.post(PATH + "/xhr")
        service.browser.post(PATH + "/xhr_send", '["a","b"]')
        assert service.received == ["a"]
