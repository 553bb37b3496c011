"""``live_model`` refuses what it could only fail with at the first save."""

import pytest
from django.contrib.auth.models import Group
from sockgate import live_model


@pytest.mark.parametrize("channels", ["orders", ["orders"], None])
def test_channels_that_are_no_function_are_refused_at_the_call(channels) -> None:
    with pytest.raises(TypeError, match=r"channels must be a function .* not (str|list|NoneType)"):
        live_model(Group, channels)
