"""An authority and what it certifies, for TLS on loopback; made by openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers.processes import HOST, require


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """PEM files: an authority's certificate, and certificate and key of a server (for loopback) and a client."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once a session, valid for a day."""
    folder = tmp_path_factory.mktemp("certificates")
    return made_in(folder)


def made_in(folder: Path) -> Certificates:
    """An authority with its two certificates, in a folder."""
    _openssl("req", "-x509", *_key(folder / "authority"), "-subj", "/CN=Test Authority", "-days", "1")
    for name, extension in (("server", f"subjectAltName=IP:{HOST}"), ("client", "extendedKeyUsage=clientAuth")):
        request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
        extensions.write_text(extension)
        _openssl("req", *_key(folder / name, request), "-subj", f"/CN={name}")
        signed_by = ["-CA", folder / "authority.pem", "-CAkey", folder / "authority.key", "-CAcreateserial"]
        output = ["-out", folder / f"{name}.pem", "-days", "1", "-extfile", extensions]
        _openssl("x509", "-req", "-in", request, *signed_by, *output)
    return Certificates(
        authority=folder / "authority.pem",
        server=folder / "server.pem",
        server_key=folder / "server.key",
        client=folder / "client.pem",
        client_key=folder / "client.key",
    )


def _key(stem: Path, out: Path | None = None) -> list[str | Path]:
    return [
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        stem.with_suffix(".key"),
        "-out",
        out or stem.with_suffix(".pem"),
    ]


def _openssl(*arguments: str | Path) -> None:
    program = require("openssl", Path("/usr/bin/openssl"))
    subprocess.run([program, *arguments], check=True, capture_output=True)
