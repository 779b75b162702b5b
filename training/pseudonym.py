"""The names under which patients stand in a snapshot: keyed hashes, which only this site can make again."""

import hmac
import os
import secrets
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from training.errors import SnapshotError

KEY_FILE = "pseudonyms.key"
"""In the data folder. Without it old snapshots stay as they are, and new ones name every patient anew."""
_SECRET_BYTES = 32
_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Names patients with the site's secret."""

    secret: bytes = field(repr=False)

    def of(self, patient: str) -> str:
        """The pseudonym of what identifies a patient: 128 bits of its HMAC-SHA-256 (RFC 2104), in hexadecimal."""
        return hmac.digest(self.secret, patient.encode(), "sha256").hex()[:_LENGTH]


def patient_key(patient_id: str) -> str:
    """A patient id as patients are compared: case, blanks around it and leading zeros do not count; systems pad ids.

    The same rule as for a report and its study (`db.linking`). Empty where there is no id.
    """
    plain = patient_id.strip().upper()
    return plain.lstrip("0") or plain[:1]


def of_site(data: Path) -> Pseudonyms:
    """The pseudonyms of the site whose data folder this is; its secret is made at the first call.

    Raises:
        SnapshotError: the file of the secret holds none.
        OSError: it can be neither read nor made.
    """
    path = data / KEY_FILE
    if not path.exists():
        _make(path)
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != _SECRET_BYTES:
        raise SnapshotError(
            f"{path} does not hold the site's secret; restore it from a backup, or remove it to begin with a new one"
        )
    return Pseudonyms(secret)


def _make(path: Path) -> None:
    """Write a new secret, whole and readable by its owner only; whoever is first has made it."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as stream:
            stream.write(secrets.token_hex(_SECRET_BYTES) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(beside, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        beside.unlink(missing_ok=True)
