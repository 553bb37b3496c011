"""The types of the public interface, as a project's mypy sees them; checked by ``make lint``."""

from typing import assert_type

from sockgate import tracked_task


@tracked_task
def plain(self: object, user_id: int) -> str:
    """A task without options."""
    return f"{self} {user_id}"


@tracked_task(user="owner", total=3)
async def named(self: object, owner: int) -> int:
    """A task with options."""
    return owner


async def check() -> None:
    """``@tracked_task`` keeps the types of what it decorates, and knows its options.

    mypy also reports a ``type: ignore`` behind which it finds nothing.
    """
    assert_type(plain(None, 1), str)
    plain(None, "1")  # type: ignore[arg-type]
    assert_type(await named(None, 1), int)
    await named(None, "1")  # type: ignore[arg-type]
    tracked_task(usr="owner")  # type: ignore[call-overload]
