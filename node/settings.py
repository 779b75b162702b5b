"""The settings of a node: one TOML file, the environment over it, command-line options over both.

Each field's docstring gives its unit; its default works. `CXR_DATABASE__URL` sets `url` in `[database]`.
"""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentValueError

from node.errors import SettingsError
from node.sections.receiving import DicomSettings, Hl7Settings, StudySettings
from node.sections.remote import DestinationSettings, SourceSettings
from node.sections.running import (
    AgreementSettings,
    BrokerSettings,
    ConsoleSettings,
    DatabaseSettings,
    LogSettings,
    MetricsSettings,
    MiningSettings,
    ReadingSettings,
    RetentionSettings,
    TracesSettings,
    WorkSettings,
)
from node.sections.security import AuditSettings

DATABASE_FILE = "cxr.db"
"""The SQLite database in the data folder."""
MIB = 1024 * 1024


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
    agreement: AgreementSettings = AgreementSettings()
    audit: AuditSettings = AuditSettings()
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
