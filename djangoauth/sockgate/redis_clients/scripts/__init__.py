"""The Lua scripts of the Django app, each in a file of its own.

They are sent as ``EVAL`` with their text. Redis compiles each text once, and a pipeline needs no
extra round trip to check that Redis has the script. A script changes a record and publishes the
control message in one step, also on a cluster, where a transaction cannot publish.
"""

from pathlib import Path


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")


END_RECORD = _read("end_record.lua")
RECENT = _read("recent.lua")
RENEW_RIGHTS = _read("renew_rights.lua")
REVOKE_CHANNEL = _read("revoke_channel.lua")
SAVE_SESSION = _read("save_session.lua")
WRITE_USER = _read("write_user.lua")
