"""How the node runs: its console, its memory, its work, what it keeps and what it says of itself."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from inference.policy import Policy as ReadingPolicy
from nlp.aggregate import Policy
from nlp.parser import MODEL
from node.agreement.band import Band
from node.sections.section import Port, Secret, Section
from node.sections.security import OidcSettings


def _broker_url(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ValueError("it is not like redis://:password@host:6379/0 (or rediss://, over TLS)")
    return url


def _viewer_url(url: str) -> str:
    if not url.startswith(("https://", "http://")) or url.count("{study_uid}") != 1:
        raise ValueError("it is not like https://viewer.example.org/viewer?StudyInstanceUIDs={study_uid}")
    return url


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
    viewer_url: Annotated[str, AfterValidator(_viewer_url)] | None = None
    """Where the site's viewer opens a study: `https://viewer.example.org/viewer?StudyInstanceUIDs={study_uid}`."""
    pictures_mb: int = Field(default=2048, ge=0)
    """MiB of the data folder for radiographs as pictures; what nobody looked at longest goes first."""
    mask_patients: bool = False
    """Show pseudonyms in place of patients; who asks for the patient of a study sees them, and is in the audit log."""
    time_zone: ZoneInfo | None = None
    """In which times are shown, such as "Europe/Berlin"; without one, this machine's own."""
    oidc: OidcSettings | None = None
    """The site's identity provider, by which people log in; without it, with passwords of the node."""


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


class ReadingSettings(Section):
    """What is read, and by how much of the machine."""

    accept_unknown_view: bool = False
    """Read an image whose header names no view, as if it were frontal."""
    accept_unknown_body_part: bool = False
    """Read an image whose header names no body part, as if it were a chest."""
    report_unread: bool = False
    """Send a report that says so, with the reason, of a study in which no image was read."""
    language: Literal["en", "de", "fr", "es", "ja"] = "en"
    """Language of the sentences in reports and notes (RFC 5646)."""
    max_pixels: int = Field(default=50_000_000, ge=1)
    """Pixel budget of an image, checked before it is decoded."""
    workers: int = Field(default=1, ge=0)
    """Threads that read studies; 0 reads none here."""
    threads: int = Field(default=1, ge=0)
    """Processor threads the model may use for one image; 0 is one a core. Two workers with a thread each read more than
    one with two, and the other cores are left to reception."""
    model: Path | None = None
    """A model bundle to serve instead of the promoted one (for trying one out)."""

    @property
    def policy(self) -> ReadingPolicy:
        """What is let through where a header is silent."""
        return ReadingPolicy(
            accept_unknown_view=self.accept_unknown_view, accept_unknown_body_part=self.accept_unknown_body_part
        )


class WorkSettings(Section):
    """How work is given out."""

    delivery_workers: int = Field(default=1, ge=0)
    """Threads, and connections, that send results to each destination; 0 sends nothing here."""
    lease_s: float = Field(default=60, gt=0)
    """Seconds after which a silent worker's job is given to another."""
    tick_s: float = Field(default=0.25, gt=0)
    """Seconds between two looks at what has settled, expired or become due."""
    deadline_s: float = Field(default=900, gt=0)
    """Seconds a job may run, but for mining. Past it another worker gets it, and a Celery worker ends its process."""
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


class AgreementSettings(Section):
    """When a person is told that model and reports agree less, or more, than they did."""

    band: float = Field(default=0.1, gt=0, le=2)
    """How far kappa may move either way."""
    recent_weeks: int = Field(default=4, ge=1)
    """Weeks that count as now."""
    earlier_weeks: int = Field(default=26, ge=1)
    """Weeks before these, that they are held against."""

    @property
    def within(self) -> Band:
        """The same, for who watches it."""
        return Band(width=self.band, recent=self.recent_weeks, earlier=self.earlier_weeks)


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
