"""Close Tornado's streams without leaving reference cycles."""

from collections.abc import Iterator
from contextlib import contextmanager

from tornado.iostream import IOStream


@contextmanager
def closing_stream(stream: IOStream) -> Iterator[IOStream]:
    """Close a stream at the end of a block, without leaving a reference cycle."""
    try:
        yield stream
    finally:
        stream.close()
        drop_traceback(stream)


def drop_traceback(stream: IOStream) -> None:
    """Drop the traceback of the error that closed a stream.

    The stream keeps the error, and the frames of the traceback refer to the stream. One of the
    frames holds a read buffer of 64 KiB. Only the cyclic garbage collector would free that.
    """
    if stream.error is not None:
        stream.error.__traceback__ = None
