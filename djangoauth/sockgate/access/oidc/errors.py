"""Errors of back-channel logouts."""


class LogoutRefused(Exception):
    """A logout token is not accepted; the text says why, without a part of the token."""


class ProviderUnavailable(Exception):
    """The keys of the provider cannot be read now."""
