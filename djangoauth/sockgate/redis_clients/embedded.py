"""The password of the embedded Valkey, which goes to the embedded Valkey only.

Another program may have its port while it does not run. Imports nothing of Django.
"""

from pathlib import Path
from urllib.parse import urlsplit

from redis import ConnectionError as RedisConnectionError
from redis.credentials import CredentialProvider
from sockgate_gateway.wire.secrets import Secret

from ..conf.defaults import embedded_valkey


class EmbeddedPassword(CredentialProvider):
    """Gives each new connection the password, while the server holds its lock.

    Args:
        folder: of the embedded Valkey.
        url: its address, with the password.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url

    @property
    def reason_not_to_connect(self) -> str:
        """Why the password is kept back now; empty: the server runs."""
        return embedded_valkey.reason_not_to_connect(self._folder, self._url)

    def get_credentials(self) -> tuple[str]:
        """Return the password.

        Raises:
            redis.ConnectionError: the server does not run, or has another address now.
        """
        if reason := self.reason_not_to_connect:
            raise RedisConnectionError(reason)
        return (Secret(urlsplit(self._url).password or ""),)

    async def get_credentials_async(self) -> tuple[str]:
        """Return the password to an asyncio client; raises as ``get_credentials``."""
        return self.get_credentials()
