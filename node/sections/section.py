"""What a table of the settings file is made of: frozen, an unknown key is an error; and its kinds of values."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints

AeTitle = Annotated[
    str, StringConstraints(pattern=r"^[\x21-\x5b\x5d-\x7e]([\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?$")
]
"""1 to 16 printable characters without backslash (DICOM PS3.5 6.2, VR AE)."""
Port = Annotated[int, Field(ge=0, le=65535)]
LOOPBACK = ("127.0.0.0/8", "::1/128")


class Section(BaseModel):
    """A table of the settings file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


def _secret(value: object) -> object:
    """The secret that `file:` or `env:` leads to; any other text is the secret itself."""
    if not isinstance(value, str):
        return value
    kind, _, where = value.partition(":")
    try:
        if kind == "file":
            return Path(where).read_text("utf-8").strip()
        return os.environ[where] if kind == "env" else value
    except (OSError, UnicodeDecodeError, KeyError):
        raise ValueError(f"there is no secret at {kind}:{where}") from None


Secret = Annotated[SecretStr, BeforeValidator(_secret)]
"""A secret, or better where it is: `file:/run/secrets/pacs` or `env:PACS_TOKEN`. It is masked wherever it is shown."""


class TlsSettings(Section):
    """How a connection that the node opens is encrypted."""

    ca: Path | None = None
    """Certificates (PEM) of the authorities that the other side must be certified by; without them, the system's."""
    certificate: Path | None = None
    """Our certificate chain (PEM), for a peer that wants to know us."""
    key: Path | None = None
    """Its private key (PEM), if not in the same file."""
    key_password: Secret | None = None
    """The key's password: `file:...`, `env:...` or itself."""
    server_name: str | None = None
    """What the other side's certificate names, if that is not `host`."""


def is_private(url: str) -> bool:
    """Whether nobody else can read what goes to this URL."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")
