import pytest
from sockgate.client import positions as module
from sockgate.client.positions import Place, Positions


@pytest.fixture
def forgotten() -> list[str]:
    return []


@pytest.fixture
def positions(forgotten) -> Positions:
    return Positions(forgotten.append)


def publication(offset, channel="user:7", **more):
    return {"channel": channel, "data": 1, "offset": offset, **more}


def recover(positions):
    return positions.recover(lambda _: False)


def test_channel_without_history_has_no_position(positions):
    assert positions.start("user:7", {})
    assert recover(positions) == {}


def test_publication_moves_the_position_and_is_accepted_once(positions):
    positions.start("user:7", {"epoch": "k3", "offset": 42})
    assert [positions.take(publication(offset)) for offset in (43, 43, 42)] == [
        Place.NEXT,
        Place.AGAIN,
        Place.AGAIN,
    ]
    assert recover(positions) == {"user:7": ("k3", 43)}


def test_publication_after_a_hole_is_ahead(positions):
    positions.start("user:7", {"epoch": "k3", "offset": 42})
    assert positions.take(publication(45)) is Place.AHEAD
    assert positions.take(publication(46)) is Place.NEXT


def test_first_publication_of_another_epoch_goes_on(positions):
    positions.start("user:7", {"epoch": "k3", "offset": 42})
    assert positions.take(publication(1, epoch="k4")) is Place.NEXT
    assert positions.take(publication(1, epoch="k4")) is Place.AGAIN
    assert recover(positions) == {"user:7": ("k4", 1)}


def test_recovered_publications_follow_the_position(positions):
    positions.start("user:7", {"epoch": "k3", "offset": 42})
    assert positions.start("user:7", {"epoch": "k3", "offset": 45, "recovered": True})
    assert positions.take(publication(43)) is Place.NEXT


def test_without_recovery_the_newest_offset_is_the_position(positions):
    positions.start("user:7", {"epoch": "k3", "offset": 42})
    assert not positions.start("user:7", {"epoch": "k3", "offset": 900, "recovered": False})
    assert recover(positions) == {"user:7": ("k3", 900)}


def test_history_that_is_gone_is_lost_and_forgotten(positions):
    positions.start("user:7", {"epoch": "k3", "offset": 42})
    assert not positions.start("user:7", {"recovered": False})
    assert recover(positions) == {}


def test_plain_publication_is_always_next(positions):
    positions.start("user:7", {"epoch": "k3", "offset": 42})
    assert positions.take({"channel": "user:7", "data": 1}) is Place.NEXT
    assert positions.take(publication(1, "broadcast")) is Place.NEXT


def test_recover_omits_requested_channels(positions):
    for channel in ("user:7", "room:7"):
        positions.put(channel, "k3", 1)
    assert positions.recover(lambda channel: channel == "room:7") == {"user:7": ("k3", 1)}


def test_number_of_channels_is_bounded(positions, forgotten, monkeypatch):
    monkeypatch.setattr(module, "MAX_CHANNELS", 3)
    for name in ("a", "b", "c"):
        positions.put(name, "k3", 1)
    positions.take(publication(2, channel="a"))
    positions.put("d", "k3", 1)
    assert forgotten == ["b"]
    assert sorted(recover(positions)) == ["a", "c", "d"]


def test_newest_publications_are_wanted_until_the_channel_starts(positions):
    positions.want("user:7", 20)
    assert recover(positions) == {"user:7": 20}
    assert positions.start("user:7", {"epoch": "k3", "offset": 22, "recovered": True})
    assert recover(positions) == {"user:7": ("k3", 22)}


def test_newest_publications_that_are_refused_are_lost(positions):
    positions.want("user:7", "all")
    assert not positions.start("user:7", {"epoch": "k3", "offset": 22, "recovered": False})
    assert recover(positions) == {"user:7": ("k3", 22)}


def test_state_that_is_refused_is_lost(positions):
    assert not positions.start("user:7", {"epoch": "k3", "offset": 22, "recovered": False})


def test_position_precedes_the_newest_publications(positions):
    positions.want("user:7", ("k3", 22))
    positions.want("user:7", "all")
    assert recover(positions) == {"user:7": ("k3", 22)}
    positions.forget("user:7")
    assert recover(positions) == {}
