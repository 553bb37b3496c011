"""A certificate for 127.0.0.1 that signs itself."""

import subprocess
from pathlib import Path


def make_certificate(folder: Path) -> dict[str, str]:
    """Write a certificate and its key; return the gateway's options that name them."""
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    command = ["openssl", *request.split(), *names.split(), "-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True)
    return {"tls_cert": cert, "tls_key": key}
