import pytest
from sockgate_gateway.wire.errors import FrameError
from sockgate_gateway.wire.recover import ALL, MAX_OFFSET, check_recover, newest_count


@pytest.mark.parametrize(
    ("asked", "count"), [(1, 1), (20, 20), (MAX_OFFSET, MAX_OFFSET), (ALL, MAX_OFFSET)]
)
def test_so_many_of_the_newest_are_asked_for(asked, count):
    check_recover([asked, ("e", 3)])
    assert newest_count(asked) == count


@pytest.mark.parametrize("asked", [0, -1, MAX_OFFSET + 1, 10**400, "", "ALL", "20"])
def test_anything_else_is_refused(asked):
    with pytest.raises(FrameError, match='"recover" is a position'):
        check_recover([("e", 3), asked])
