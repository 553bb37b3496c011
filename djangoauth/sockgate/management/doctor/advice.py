"""What a close code means for the person who set up the site."""

from .report import StepFailed

_SAME_REDIS = (
    "Set the same SOCKGATE_REDIS_URL with the same database number, KEY_PREFIX and CHANNEL_PREFIX "
    "for Django and the gateway."
)
_LIMITS = "Look at SOCKGATE_MAX_CONNECTIONS, _MAX_UNAUTHENTICATED and _MAX_PER_ADDRESS."

_MEANINGS = {
    3001: ("The gateway is restarting", "Try again."),
    3002: ("A limit of connections is reached", _LIMITS),
    3003: (
        "The gateway cannot read its Redis, or refuses to serve beside another deployment",
        "The gateway's log has the cause: sessions_unreadable, link_lost or deployment_refused.",
    ),
    3005: ("The connect frame did not arrive in time", "Check time-outs and buffering of proxies."),
    4400: (
        "The gateway does not have the key that signed the token",
        "Set the same SOCKGATE_SIGNING_KEYS for both, and restart them.",
    ),
    4401: (
        "The token is too old or from the future for the gateway",
        "Synchronise the clocks. SOCKGATE_TOKEN_MAX_AGE must not be below Django's TOKEN_MAX_AGE.",
    ),
    4402: ("The gateway finds no such session in its Redis", _SAME_REDIS),
    4503: (
        "The user has too many connections",
        "Raise SOCKGATE_MAX_PER_USER, or name another user.",
    ),
}


def explain_close(code: int, reason: str) -> StepFailed:
    """Explain an unexpected end of a connection."""
    cause, mend = _MEANINGS.get(
        code, ("The connection has ended unexpectedly", "Look into the gateway's log.")
    )
    anchor = f"close-{code}" if code in _MEANINGS else "what-the-gateways-log-says"
    return StepFailed(f"{cause} ({code}, {reason}).", mend, anchor)
