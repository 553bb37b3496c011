"""Valkey under accounts that refuse what a service refuses, each line with its source.

An ACL is not the service. It refuses a command everywhere, and a service may refuse it in scripts
alone: then ``ScriptRelay`` is nearer to it.
"""

from typing import Any, NamedTuple

from redis import Redis

from tests.integration.relays import Relay

PASSWORD = "a-password-for-tests-only"
SERVER, CLUSTER = "server", "cluster"

_REDIS_DOCS = "github.com/redis/docs, content/operate/rs/references/compatibility/commands/"
_ELASTICACHE = "docs.aws.amazon.com/AmazonElastiCache, ClientConfig.RestrictedCommands.html"


class Profile(NamedTuple):
    """What one service refuses.

    Args:
        name: of the account.
        refused: rules of an ACL, and the source of each.
        missing: what the survey of capabilities reports on one server.
        kinds: one server, a cluster, or both.
    """

    name: str
    refused: dict[str, str]
    missing: tuple[str, ...] = ()
    kinds: tuple[str, ...] = (SERVER, CLUSTER)


_ELASTICACHE_REFUSES = dict.fromkeys(
    (
        *("-bgrewriteaof", "-bgsave", "-config", "-debug", "-migrate", "-replicaof", "-save"),
        *("-slaveof", "-shutdown", "-sync"),
    ),
    _ELASTICACHE,
)

PROFILES = (
    Profile(
        "documented",
        {"-@dangerous": "docs/deploy.md", "+info": "docs/deploy.md", "+role": "docs/deploy.md"},
    ),
    Profile("elasticache", _ELASTICACHE_REFUSES),
    Profile(
        "elasticache_serverless",
        {
            **_ELASTICACHE_REFUSES,
            "-time": "github.com/cristipufu/aspnetcore-redis-rate-limiting/issues/154, "
            "github.com/otovo/redis-rate-limiters/pull/11: in scripts",
        },
        ("TIME in scripts",),
    ),
    Profile(
        "redis_enterprise",  # Redis Software, Redis Cloud; Azure Managed Redis refers to its pages.
        {
            "-role": _REDIS_DOCS + "server.md",
            "-info": _REDIS_DOCS + "server.md: not supported for scripts",
            "-select": _REDIS_DOCS + "connection.md: it does nothing",
            **dict.fromkeys(
                (
                    *("-debug", "-shutdown", "-swapdb", "-failover", "-migrate", "-psync"),
                    *("-replconf", "-replicaof", "-restore-asking", "-slaveof", "-sync"),
                    *("-bgrewriteaof", "-bgsave", "-lastsave", "-save", "-config|resetstat"),
                ),
                _REDIS_DOCS + "server.md",
            ),
            **dict.fromkeys(
                (
                    *("-asking", "-readonly", "-readwrite", "-cluster", "+cluster|help"),
                    *("+cluster|info", "+cluster|keyslot", "+cluster|nodes", "+cluster|slots"),
                ),
                _REDIS_DOCS + "cluster.md: with the OSS cluster API",
            ),
        },
        ("INFO in scripts", "ROLE"),
    ),
    Profile(
        "memorystore",
        dict.fromkeys(
            (
                *("-acl", "-bgrewriteaof", "-bgsave", "-client", "-cluster", "-command"),
                *("-config", "-debug", "-lastsave", "-migrate", "-monitor", "-object"),
                *("-shutdown", "-replicaof", "-save"),
            ),
            "cloud.google.com/memorystore/docs/redis/product-constraints",
        ),
        ("CLIENT SETNAME",),
        (SERVER,),
    ),
)

WITHOUT_SCRIPTS = Profile(
    "oci_cache_sharded",
    dict.fromkeys(
        ("-eval", "-evalsha", "-eval_ro", "-evalsha_ro", "-fcall", "-function", "-script"),
        "docs.oracle.com/iaas/Content/ocicache/restrictedcommands.htm",
    ),
    ("EVAL", "EVALSHA"),
)
"""A service that the product cannot use."""


def create_account(node: Redis, name: str, rules: Any, channels: str = "allchannels") -> None:
    """Create an account that may do everything that the rules do not take away."""
    password = f">{PASSWORD}"
    words = ("on", password, "allkeys", channels, "+@all", *rules)
    node.execute_command("ACL", "SETUSER", name, "reset", *words)


def with_account(url: str, name: str) -> str:
    """Put an account into a URL."""
    return url.replace("://", f"://{name}:{PASSWORD}@", 1)


class ScriptRelay(Relay):
    """A relay to a server that refuses commands in scripts alone: their names are altered there.

    Args:
        target: the port to relay to.
        refused: commands, in capital letters.
    """

    def __init__(self, target: int, *refused: str) -> None:
        self._altered = {f"pcall('{name}'".encode(): f"pcall('{name[:-1]}X'" for name in refused}
        super().__init__(target)

    def request(self, data: bytes) -> bytes:
        """Alter the texts of scripts; no length changes."""
        for text, altered in self._altered.items():
            data = data.replace(text, altered.encode())
        return data
