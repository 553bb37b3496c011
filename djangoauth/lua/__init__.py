"""The scripts that run inside Redis, each in a file of its own.

They go as ``EVAL`` with their text: Redis compiles each once, and a pipeline needs no extra round
trip to ask whether it knows the script. On a cluster, too, what changes and what is told of it are
one step: a script may publish, where a transaction may not.
"""

from importlib.resources import files


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text("utf-8")


END_RECORD = _read("end_record.lua")
RENEW_RIGHTS = _read("renew_rights.lua")
REVOKE_CHANNEL = _read("revoke_channel.lua")
SAVE_SESSION = _read("save_session.lua")
WRITE_USER = _read("write_user.lua")
