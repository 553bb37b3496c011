"""A provider of credentials that a test changes."""

from redis.credentials import CredentialProvider

from tests.integration.providers import PASSWORD


class Rotating(CredentialProvider):
    """Names one account after the other."""

    def __init__(self) -> None:
        self.credentials = ("first", PASSWORD)
        self.failure: Exception | None = None

    def get_credentials(self) -> tuple[str, str]:
        if self.failure is not None:
            raise self.failure
        return self.credentials


PROVIDER = Rotating()


def provider() -> Rotating:
    """Be the factory."""
    return PROVIDER


def number() -> int:
    """Be a factory that returns something else."""
    return 1


def broken() -> None:
    """Be a factory that fails, with a secret in its message."""
    raise RuntimeError(PASSWORD)


FACTORY = f"{__name__}:provider"
