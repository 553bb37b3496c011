"""What the supervisor runs: a plan, sent as one line of JSON. Pure."""

import msgspec
from sockgate_gateway.wire.secrets import masked


class GatewayPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway.

    Args:
        host: the address on which it listens.
        port: the port on which it listens.
        prefix: the path under which it serves.
        variables: all its ``SOCKGATE_…`` variables.
    """

    host: str
    port: int
    prefix: str
    variables: dict[str, str]

    def __post_init__(self) -> None:
        """Mask the ``repr`` of the variables, some of which are secrets."""
        msgspec.structs.force_setattr(self, "variables", masked(self.variables))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What runs beside Django.

    Args:
        valkey_folder: the folder of the embedded Valkey; empty: Redis is configured.
        gateway: None: no gateway.
    """

    valkey_folder: str = ""
    gateway: GatewayPlan | None = None


def write_plan(plan: Plan) -> bytes:
    """Encode a plan as one line."""
    return msgspec.json.encode(plan, enc_hook=str) + b"\n"  # To msgspec a secret is not a str.


_decoder = msgspec.json.Decoder(Plan)


def read_plan(line: bytes) -> Plan:
    """Decode a line.

    Raises:
        msgspec.MsgspecError: it is not a plan.
    """
    return _decoder.decode(line)
