"""Other systems that the node calls: destinations of results, and sources of images."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from db.result_records import ResultKind
from node.sections.section import AeTitle, Secret, Section, TlsSettings, is_private

LONGEST_OF_SENDERS = 47
"""How long the name of a destination that stands for senders may be: a colon and an AE title follow it in 64."""


class RemoteSettings(Section):
    """Another system that the node calls: its address, how that is encrypted, and who we are there."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    """What the node calls it."""
    ae_title: AeTitle | None = None
    """Its AE title (DICOM)."""
    host: str | None = None
    """Host name or address (DICOM)."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """TCP port (DICOM)."""
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")] | None = None
    """Root of its DICOMweb service (STOW-RS, QIDO-RS, WADO-RS), such as "https://pacs.example.org/dicom-web"."""
    user: str | None = None
    """User of the DICOMweb service, where it asks for one."""
    password: Secret | None = None
    """The user's password: `file:...`, `env:...` or itself."""
    token: Secret | None = None
    """Bearer token of the DICOMweb service, in place of user and password: `file:...`, `env:...` or itself."""
    tls: TlsSettings | None = None
    """With this, DICOM goes over TLS; an https URL needs it only for own certificates and authorities."""
    timeout_s: float = Field(default=30, gt=0)
    """Seconds to wait for its connection and for each of its answers."""

    @property
    def _has_web_keys(self) -> bool:
        return self.url is not None or self.user is not None or self.password is not None or self.token is not None

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        if (self.user is None) != (self.password is None) or (self.user and self.token):
            raise ValueError("give user and password, or token, or none")
        if (self.password or self.token) and not is_private(self.url or ""):
            raise ValueError("password and token go over https alone, but for this machine")
        return self


class DestinationSettings(RemoteSettings):
    """Where results go."""

    protocol: Literal["cstore", "stow"] = "cstore"
    """`cstore`: by DICOM's C-STORE; `stow`: over the web, by STOW-RS."""
    return_to_sender: bool = False
    """Results go to each AE that sent images of the study; [[dicom.peers]] gives its host and port. By C-STORE."""
    profile: Literal["ohif", "weasis", "pacs-minimal", "full"] | tuple[ResultKind, ...] = "ohif"
    """Which results: those a viewer shows, or a list of sr, seg, overlay, gsps, heatmap, cad, not_processed."""
    only_above: bool = False
    """Send only if a finding is above its operating point; the results of other studies are withheld."""
    commitment: bool = False
    """Ask it to commit to what it took; a result counts as there only when it does (C-STORE)."""
    commitment_wait_s: float = Field(default=3600, gt=0)
    """Seconds to wait for that, before it is asked again; after three times a person is told."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        address = (self.ae_title, self.host, self.port)
        if self.protocol == "stow":
            if self.url is None or any(address):
                raise ValueError("stow takes url, and no ae_title, host and port")
            if self.commitment or self.return_to_sender:
                raise ValueError("commitment and return_to_sender are for cstore; STOW-RS answers for each instance")
        elif self._has_web_keys:
            raise ValueError('url, user, password and token are for stow; say protocol = "stow"')
        elif self.return_to_sender and (any(address) or self.tls):
            raise ValueError("return_to_sender takes ae_title, host, port and tls from [[dicom.peers]]")
        elif self.return_to_sender and len(self.name) > LONGEST_OF_SENDERS:
            raise ValueError(f"with return_to_sender a name has at most {LONGEST_OF_SENDERS} characters")
        elif not self.return_to_sender and not all(address):
            raise ValueError("cstore takes ae_title, host and port")
        if ResultKind.REJECTION in self.profile:
            raise ValueError("a rejection goes wherever the rejected results went; leave it out of profile")
        return self


class SourceSettings(RemoteSettings):
    """An archive that `cxr pull` brings images in from."""

    protocol: Literal["cget", "cmove", "dicomweb"] = "cget"
    """`cget`: C-FIND, C-GET; `cmove`: C-FIND, C-MOVE to the running node; `dicomweb`: QIDO-RS and WADO-RS."""
    chest_only: bool = True
    """Only series that the source calls CR or DX; otherwise everything that can be an image of a kind we take."""
    studies_per_minute: float = Field(default=30, gt=0)
    """At most so many studies are brought in a minute."""
    window: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = (
        None
    )
    """When that may be, by this machine's local time, such as "20:00-06:00"; without it, always."""
    max_instances: int = Field(default=500, ge=1)
    """Objects of one study that are taken; a source that sends more is left."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        address = (self.ae_title, self.host, self.port)
        if self.protocol == "dicomweb":
            if self.url is None or any(address):
                raise ValueError("dicomweb takes url, and no ae_title, host and port")
        elif self._has_web_keys:
            raise ValueError('url, user, password and token are for dicomweb; say protocol = "dicomweb"')
        elif not all(address):
            raise ValueError(f"{self.protocol} takes ae_title, host and port")
        if self.window and self.window[:5] == self.window[6:]:
            raise ValueError("window begins when it ends; leave it out if it is always open")
        return self
