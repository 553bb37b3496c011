"""TLS in front of a server that has none, with a private CA and a certificate of the client."""

import asyncio
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from tests.ports import HOST


class Certificate(NamedTuple):
    """The files of a certificate."""

    cert: Path
    key: Path


def make_authority(folder: Path, name: str) -> Certificate:
    """Make a CA of our own."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    _openssl(*_new_key(name), *("-x509", "-days", "2", "-keyout", made.key, "-out", made.cert))
    return made


def make_certificate(folder: Path, name: str, authority: Certificate) -> Certificate:
    """Make a certificate for 127.0.0.1 that an authority has signed."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    extension = ("-addext", f"subjectAltName=IP:{HOST}")
    issuer = ("-CA", authority.cert, "-CAkey", authority.key)
    _openssl(
        *_new_key(name),
        *("-x509", "-days", "2", *extension, *issuer),
        *("-addext", "basicConstraints=critical,CA:FALSE", "-keyout", made.key, "-out", made.cert),
    )
    return made


def _new_key(name: str) -> tuple[str, ...]:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    return ("req", *curve, "-subj", f"/CN={name}")


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class TLSRelay:
    """Relay TLS connections with a certificate of the client to a port without TLS.

    Args:
        target: the port.
        own: the certificate of the server.
        authority: signs the certificates of clients.
    """

    def __init__(self, target: int, own: Certificate, authority: Certificate) -> None:
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(own.cert, own.key)
        self._context.load_verify_locations(authority.cert)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._run(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close all connections and the port."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._relay, HOST, 0, ssl=self._context)

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            for one in (writer, far_writer):
                one.close()
                with suppress(OSError, asyncio.CancelledError):
                    await one.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
