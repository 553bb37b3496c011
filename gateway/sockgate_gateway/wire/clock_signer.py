"""The signer of tokens, grants and markup: ``itsdangerous`` with Sockgate's own signing keys."""

import hashlib
from collections.abc import Callable, Sequence

from itsdangerous import TimestampSigner
from itsdangerous.encoding import want_bytes

from .secrets import SecretBytes, masked


class ClockSigner(TimestampSigner):
    """Sign with keys that are derived once, and with the time of an injected clock.

    Args:
        keys: signing keys, oldest first; the last one signs, all of them verify.
        salt: names the purpose. What is signed for one purpose is void for every other.
        clock: returns Unix seconds.
    """

    def __init__(self, keys: Sequence[str], salt: str, clock: Callable[[], float]) -> None:
        secrets = [*masked(keys)]
        super().__init__(secrets, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
        self._clock = clock
        self.secret_keys = list(map(SecretBytes, self.secret_keys))
        self._derived = {
            key: SecretBytes(super(ClockSigner, self).derive_key(key)) for key in self.secret_keys
        }

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """Return the derived key of a secret key, or of the newest one."""
        return self._derived[want_bytes(secret_key or self.secret_key)]

    def get_timestamp(self) -> int:
        """Give Unix seconds."""
        return int(self._clock())
