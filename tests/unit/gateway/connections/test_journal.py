"""A worker remembers a few records of each user, and of all together no more than a limit."""

from sockgate_gateway.connections.journal import MAX_EACH, MAX_OF_USERS, Journal, Shelves

from tests.unit.gateway.fakes import new_connection


def end(journal: Journal, uid: str | None, cause: str = "", *, was_open: bool = True) -> None:
    connection = new_connection()
    journal.ended(
        connection,
        connection.transport,
        uid,
        4402,
        by_client=False,
        cause=cause,
        was_open=was_open,
        lived_s=5.0,
        channels=(),
    )


def test_shelf_keeps_the_newest_of_each_key() -> None:
    shelves: Shelves[int] = Shelves(total=10, each=3)
    for number in range(5):
        shelves.add("a", number)
    assert (shelves["a"], shelves["b"], len(shelves)) == ([2, 3, 4], [], 3)


def test_key_that_was_written_longest_ago_goes_first() -> None:
    shelves: Shelves[int] = Shelves(total=4, each=3)
    for key in "abcda":
        shelves.add(key, 0)
    shelves.add("e", 0)
    assert [len(shelves[key]) for key in "abcde"] == [2, 0, 0, 1, 1]
    assert len(shelves) == 4


def test_user_who_fails_often_pushes_nobody_out() -> None:
    journal = Journal(lambda: 1000.0)
    end(journal, "7", "logged out")
    for _ in range(2 * MAX_OF_USERS):
        end(journal, "8")
    assert [record.cause for record in journal.of_user["7"]] == ["logged out"]
    assert len(journal.of_user["8"]) == MAX_EACH


def test_all_records_are_bounded() -> None:
    journal = Journal()
    for uid in range(2 * MAX_OF_USERS):
        end(journal, str(uid), "x" * 1000)
        journal.missed_by_all(f"room:{uid}", "plain", 1, None, None)
    assert len(journal.of_user) <= MAX_OF_USERS
    assert len(journal.of_channel) < MAX_OF_USERS
    assert len(journal.of_user[str(2 * MAX_OF_USERS - 1)][0].cause) == 200


def test_connects_without_a_known_user_are_counted_by_code() -> None:
    journal = Journal()
    end(journal, None, was_open=False)
    end(journal, None)
    assert journal.unknown == {"4402": 1}


def test_end_says_when_the_connection_began() -> None:
    journal = Journal(lambda: 1000.0)
    end(journal, "7")
    (record,) = journal.of_user["7"]
    assert (record.opened_at, record.at, record.address) == (995.0, 1000.0, "192.0.2.1")
