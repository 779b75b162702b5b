"""The settings of a node: one TOML file, the environment over it, command-line options over both.

Each field's docstring gives its unit; its default works. `CXR_DATABASE__URL` sets `url` in `[database]`.
"""

import ipaddress
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentValueError

from db.records import ResultKind
from inference.policy import Policy as ReadingPolicy
from nlp.aggregate import Policy
from nlp.parser import MODEL
from node.errors import SettingsError
from node.hl7.report import AccessionField

AeTitle = Annotated[
    str, StringConstraints(pattern=r"^[\x21-\x5b\x5d-\x7e]([\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?$")
]
"""1 to 16 printable characters without backslash (DICOM PS3.5 6.2, VR AE)."""
Port = Annotated[int, Field(ge=0, le=65535)]
DATABASE_FILE = "cxr.db"
"""The SQLite database in the data folder."""
MIB = 1024 * 1024
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


def _broker_url(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ValueError("it is not like redis://:password@host:6379/0 (or rediss://, over TLS)")
    return url


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


class PeerSettings(Section):
    """A calling AE that may send to the node."""

    ae_title: AeTitle
    """Its AE title, or "*" for any."""
    addresses: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    """Where it may call from: addresses or networks, such as "10.1.2.3" or "10.1.2.0/24"."""
    host: str | None = None
    """Host name or address where it listens itself: for results that go back to it, and its commitment reports."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """TCP port there."""
    tls: TlsSettings | None = None
    """With this, the node speaks TLS to it."""
    certificate_name: str | None = None
    """A name (CN, or an alternative name) that its certificate must have, where [dicom] has `tls_clients`."""

    @model_validator(mode="after")
    def _whole_address(self) -> Self:
        if (self.host is None) != (self.port is None):
            raise ValueError("give host and port, or neither")
        if self.host is not None and self.ae_title == "*":
            raise ValueError("host and port are of one AE title, not of any")
        return self


class DicomSettings(Section):
    """What the node receives, and from whom."""

    ae_title: AeTitle = "CXRNODE"
    """The node's AE title; an association that calls another one is rejected."""
    port: Port = 11112
    """TCP port; 0 takes a free one."""
    peers: tuple[PeerSettings, ...] = (
        PeerSettings(ae_title="*", addresses=tuple(ipaddress.ip_network(text) for text in LOOPBACK)),
    )
    """Who may open an association; everybody else is refused. By default only this machine."""
    max_associations: int = Field(default=200, ge=1)
    """Open associations in all; the next is rejected for now."""
    max_associations_per_address: int = Field(default=100, ge=1)
    """Open associations from one address."""
    max_instance_mb: int = Field(default=512, ge=1)
    """Largest data set, in MiB."""
    min_free_mb: int = Field(default=512, ge=0)
    """Free space, in MiB, below which nothing more is received (status 0xA700)."""
    idle_s: float = Field(default=60, gt=0)
    """Seconds an association may be silent."""
    pdu_s: float = Field(default=30, gt=0)
    """Seconds one PDU may take."""
    processes: int = Field(default=1, ge=1, le=64)
    """Processes that receive on the port (SO_REUSEPORT), each with its own limits; more than cores are of no use."""
    tls_certificate: Path | None = None
    """Certificate chain (PEM) for DICOM over TLS, on the same port; without one, plain DICOM."""
    tls_key: Path | None = None
    """Its private key (PEM), if not in the same file."""
    tls_clients: Path | None = None
    """Certificates (PEM) of the authorities that callers must be certified by; without them, any caller."""

    @model_validator(mode="after")
    def _certified(self) -> Self:
        if self.tls_clients is None and any(peer.certificate_name for peer in self.peers):
            raise ValueError("a peer has certificate_name, so give tls_certificate and tls_clients")
        _require_certificate(self)
        return self


class Hl7Settings(Section):
    """Where radiologists' reports arrive."""

    port: Port = 2575
    """TCP port of the MLLP listener; 0 takes a free one."""
    peers: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = tuple(
        ipaddress.ip_network(text) for text in LOOPBACK
    )
    """Who may send reports: addresses or networks; everybody else is refused. By default only this machine."""
    accession_from: Annotated[tuple[AccessionField, ...], Field(min_length=1)] = ("OBR-3", "ORC-3", "OBR-18")
    """Where the site puts the accession number; the first of these fields that is filled."""
    max_message_mb: int = Field(default=16, ge=1)
    """Largest message, in MiB."""
    max_connections: int = Field(default=64, ge=1)
    """Open connections; the next is closed."""
    message_s: float = Field(default=30, gt=0)
    """Seconds from a message's start to its end."""
    idle_s: float = Field(default=3600, gt=0)
    """Seconds a connection may be silent."""
    tls_certificate: Path | None = None
    """Certificate chain (PEM) for MLLP over TLS; without one, plain MLLP."""
    tls_key: Path | None = None
    """Its private key (PEM), if not in the same file."""
    tls_clients: Path | None = None
    """Certificates (PEM) of the authorities that clients must be certified by; without them, any client."""

    @model_validator(mode="after")
    def _certified(self) -> Self:
        _require_certificate(self)
        return self


def _require_certificate(port: DicomSettings | Hl7Settings) -> None:
    """Refuse settings that mean TLS and would be plain."""
    if port.tls_certificate is None and (port.tls_key or port.tls_clients):
        raise ValueError("tls_key and tls_clients need tls_certificate; without it nothing is encrypted")


class ConsoleSettings(Section):
    """The web console."""

    host: str = "127.0.0.1"
    """The address it binds to, whatever `host` says; one that others reach needs TLS and a user (`cxr users add`)."""
    port: Port = 8080
    """TCP port of the console; 0 takes a free one."""
    tls_certificate: Path | None = None
    """Certificate chain (PEM) for https; without one, plain http."""
    tls_key: Path | None = None
    """Its private key (PEM), if not in the same file."""
    idle_min: float = Field(default=30, gt=0)
    """Minutes without a click after which a person has to log in again."""
    session_hours: float = Field(default=12, gt=0)
    """Hours after a login after which a person has to log in again."""


class DatabaseSettings(Section):
    """The product's memory."""

    url: Secret | None = None
    """`postgresql://user:password@host/name`, or `file:` with it; without one, SQLite in the data folder."""


class BrokerSettings(Section):
    """What wakes the workers of a cluster."""

    url: Annotated[Secret, AfterValidator(_broker_url)] | None = None
    """`redis://:password@host:6379/0`: workers are Celery's; without one, this process's threads work."""

    @property
    def has_password(self) -> bool:
        """Whether whoever reaches the broker must prove who it is."""
        return self.url is not None and urlsplit(self.url.get_secret_value()).password is not None


class StudySettings(Section):
    """When a study is complete."""

    quiet_s: float = Field(default=5, ge=0)
    """Seconds without a new instance after which a study is read; 0 reads it when the association is released."""


class ReadingSettings(Section):
    """What is read, and by how much of the machine."""

    accept_unknown_view: bool = False
    """Read an image whose header names no view, as if it were frontal."""
    accept_unknown_body_part: bool = False
    """Read an image whose header names no body part, as if it were a chest."""
    report_unread: bool = False
    """Send a report that says so, with the reason, of a study in which no image was read."""
    max_pixels: int = Field(default=50_000_000, ge=1)
    """Pixel budget of an image, checked before it is decoded."""
    workers: int = Field(default=1, ge=0)
    """Threads that read studies; 0 reads none here."""
    threads: int = Field(default=0, ge=0)
    """Processor threads the model may use for one image; 0 is one a core."""
    model: Path | None = None
    """A model bundle to serve instead of the promoted one (for trying one out)."""

    @property
    def policy(self) -> ReadingPolicy:
        """What is let through where a header is silent."""
        return ReadingPolicy(
            accept_unknown_view=self.accept_unknown_view, accept_unknown_body_part=self.accept_unknown_body_part
        )


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
        if (self.password or self.token) and not _private(self.url or ""):
            raise ValueError("password and token go over https alone, but for this machine")
        return self


class DestinationSettings(RemoteSettings):
    """Where results go."""

    protocol: Literal["cstore", "stow"] = "cstore"
    """`cstore`: by DICOM's C-STORE; `stow`: over the web, by STOW-RS."""
    return_to_sender: bool = False
    """Results go to the AE that sent the study, where [[dicom.peers]] gives its host and port; by C-STORE."""
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


def _private(url: str) -> bool:
    """Whether nobody else can read what goes to this URL."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


class WorkSettings(Section):
    """How work is given out."""

    delivery_workers: int = Field(default=1, ge=0)
    """Threads, and connections, that send results to each destination; 0 sends nothing here."""
    lease_s: float = Field(default=60, gt=0)
    """Seconds after which a silent worker's job is given to another."""
    tick_s: float = Field(default=0.25, gt=0)
    """Seconds between two looks at what has settled, expired or become due."""
    deadline_s: float = Field(default=900, gt=0)
    """Seconds one job may run. Past it another worker gets the job, and a Celery worker ends its own process."""
    max_jobs: int = Field(default=0, ge=0)
    """Jobs after which a Celery worker ends, for its supervisor to start a fresh one; 0 is no limit."""
    max_memory_mb: int = Field(default=0, ge=0)
    """Resident memory, in MiB, above which a Celery worker ends after its job; 0 is no limit."""


class MiningSettings(Section):
    """How labels are mined from stored reports."""

    workers: int = Field(default=1, ge=0)
    """Processes that mine, about 170 MB each, started with the first report; 0 mines nothing here, and reports wait."""
    policy: Policy = Policy.CODED
    """`coded`: what is probable, borderline or an alternative is present, as for human coders; `strict`: it is not."""
    language_model: Annotated[str, StringConstraints(min_length=1, max_length=48)] = MODEL
    """spaCy's language model: an installed package, or a folder."""


class RetentionSettings(Section):
    """What the node removes from its store by itself; as long as nothing is set here, nothing."""

    received_days: float | None = Field(default=None, gt=0)
    """Days after which a received file is removed."""
    results_days: float | None = Field(default=None, gt=0)
    """Days after which a result's file is removed; reports stay."""
    keep_free_gb: float | None = Field(default=None, gt=0)
    """Free space, in GB, for which the oldest files are removed, from a day on."""
    at_most_gb: float | None = Field(default=None, gt=0)
    """Size of the stored files, in GB, above which the oldest are removed, from a day on."""
    states: tuple[Literal["read", "not_read", "failed", "kept"], ...] = ("read", "not_read")
    """Of studies in which states."""
    keep_labelled: bool = True
    """Never remove an image of a study with a report, a person's label or a box: a model can learn from it."""

    @property
    def on(self) -> bool:
        """Whether anything is ever removed."""
        return any((self.received_days, self.results_days, self.keep_free_gb, self.at_most_gb))


class LogSettings(Section):
    """Log lines on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important level shown."""
    format: Literal["console", "json"] = "console"
    """`console`: for people; `json`: an object a line, for what collects them."""


class MetricsSettings(Section):
    """A port for machines that watch, beside the console's, which answers the same."""

    host: str = "127.0.0.1"
    """The address it binds to. It shows counts and nothing of a patient, and asks nobody who they are."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """TCP port of `/metrics`, `/healthz` and `/readyz`; the next free one of 16, a process each. Without it, none."""


class TracesSettings(Section):
    """Spans of the node's work (OpenTelemetry); they need the extra `traces`."""

    endpoint: Annotated[str, StringConstraints(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")] | None = None
    """Where they go, by OTLP over HTTP, such as "http://127.0.0.1:4318/v1/traces"; without it, none are made."""


class Settings(BaseSettings):
    """Everything a node can be told."""

    model_config = SettingsConfigDict(
        env_prefix="CXR_", env_nested_delimiter="__", extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """The address that DICOM and HL7 bind to. By default only this machine reaches the node."""
    data: Path = Path("data")
    """Folder of the store and, with SQLite, of the database."""
    dicom: DicomSettings = DicomSettings()
    hl7: Hl7Settings = Hl7Settings()
    console: ConsoleSettings = ConsoleSettings()
    database: DatabaseSettings = DatabaseSettings()
    broker: BrokerSettings = BrokerSettings()
    study: StudySettings = StudySettings()
    reading: ReadingSettings = ReadingSettings()
    destinations: tuple[DestinationSettings, ...] = ()
    """Where results go; none by default, and then they are only stored."""
    sources: tuple[SourceSettings, ...] = ()
    """Where `cxr pull` brings images in from."""
    mining: MiningSettings = MiningSettings()
    work: WorkSettings = WorkSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    traces: TracesSettings = TracesSettings()

    @property
    def database_url(self) -> str:
        """The database's URL, with its secrets."""
        if self.database.url is not None:
            return self.database.url.get_secret_value()
        return f"sqlite:///{self.data.absolute() / DATABASE_FILE}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands in, which has the environment in its place: over the file, under the options."""
        return (init_settings,)


def load(file: Path | None = None, **options: Any) -> Settings:
    """Read the settings: `file`, the environment over it, `options` (dotted names) over both.

    Raises:
        SettingsError: a file, key or value cannot be used; the text names it.
    """
    try:
        from_file = tomllib.loads(file.read_text("utf-8")) if file else {}
        _require_known(os.environ)
        merged = _over(from_file, EnvSettingsSource(Settings)())
        for name, value in options.items():
            _put(merged, name.split("."), value)
        settings = Settings(**merged)
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not TOML: {error}") from error
    except ValidationError as error:
        raise SettingsError(_first_problem(error)) from error
    except EnvironmentValueError as error:  # its text quotes no value
        raise SettingsError(f"the environment: {error}; tables and lists are written as JSON there") from error
    names = [destination.name for destination in settings.destinations]
    if len(set(names)) < len(names):
        raise SettingsError("two destinations have the same name; give each its own")
    if len({source.name for source in settings.sources}) < len(settings.sources):
        raise SettingsError("two sources have the same name; give each its own")
    return settings


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _over(merged[key], value) if both else value
    return merged


def _put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise SettingsError(f"{key} is a table of settings; write [{key}] and its keys below it")
    tree[path[-1]] = value


def _require_known(environment: Iterable[str]) -> None:
    """A variable of a section that is none is a mistake; pydantic would leave it unread."""
    for name in environment:
        section = name.upper().removeprefix("CXR_").partition("__")
        if name.upper().startswith("CXR_") and section[1] and section[0].lower() not in Settings.model_fields:
            raise SettingsError(f"{name} is not a setting; `cxr config show` lists those there are")


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "settings"
    if problem["type"] == "extra_forbidden":
        return f"{where} is not a setting; `cxr config show` lists those there are"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}"
