"""A small OpenID provider: keys, logout tokens, and a JWKS endpoint on a free port."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import time
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://id.example"
CLIENT_ID = "shop"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


class SigningKey:
    """A key pair of the provider."""

    def __init__(self, algorithm: str, kid: str | None) -> None:
        self.algorithm = algorithm
        self.kid = kid
        self.private: Any
        writer: Any
        if algorithm.startswith("ES"):
            self.private, writer = ec.generate_private_key(ec.SECP256R1()), ECAlgorithm
        elif algorithm == "EdDSA":
            self.private, writer = ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm
        else:
            self.private, writer = rsa.generate_private_key(65537, 2048), RSAAlgorithm
        self.jwk = {**writer.to_jwk(self.private.public_key(), as_dict=True), "use": "sig"}
        if kid is not None:
            self.jwk["kid"] = kid


class Provider:
    """The provider: its present keys, and how often they were asked for."""

    def __init__(self) -> None:
        self.key = SigningKey("RS256", "one")
        self.keys = [self.key]
        self.requests = 0
        self.status = 200
        self.url = ""

    def rotate(self, algorithm: str, kid: str, *, keep: bool = True) -> SigningKey:
        """Sign with another key from now on."""
        self.key = SigningKey(algorithm, kid)
        self.keys = [*(self.keys if keep else ()), self.key]
        return self.key

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a logout token; a change to None leaves a claim out."""
        now = int(time())
        claims = {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": uuid4().hex,
            "events": {EVENT: {}},
            "sid": "provider-session",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Sign a logout token."""
        key = self.key
        headers = {"typ": "logout+jwt", "kid": key.kid, **(header or {})}
        given = {name: value for name, value in headers.items() if value is not None}
        return jwt.encode(self.claims(**changes), key.private, key.algorithm, headers=given)


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Serve the keys of a provider."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.requests += 1
            body = json.dumps({"keys": [key.jwk for key in provider.keys]}).encode()
            self.send_response(provider.status)
            if provider.status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_port}/keys"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield provider
        server.shutdown()
        thread.join()
