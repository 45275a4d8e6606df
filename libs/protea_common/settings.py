"""Typed settings: the process environment wins over ``.env``, that over YAML, that over defaults.

``Settings`` is what every service shares; a service describes its own group as a ``ServiceSettings``.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.exceptions import SettingsError

from protea_common.errors import PermanentError

__all__ = [
    "ApiLimits",
    "Duration",
    "Http",
    "InvalidSettingError",
    "MissingSettingError",
    "OperationTuning",
    "QueueTuning",
    "ServiceSettings",
    "Settings",
    "Startup",
    "StorageBackend",
    "Telemetry",
    "Tuning",
    "WorkerTuning",
    "load_service_settings",
    "load_settings",
    "missing_settings",
    "safe_url",
]

ENV_PREFIX: Final = "PROTEA_"
CONFIG_FILE: Final = "protea.yaml"

YAML_KEYS: Final = {
    "db_url": "database.url",
    "amqp_url": "queue.amqp_url",
    "artifacts_dir": "storage.artifacts_dir",
    "storage_backend": "storage.backend",
    "storage_root": "storage.root",
    "s3_endpoint": "storage.s3.endpoint",
    "s3_bucket": "storage.s3.bucket",
    "s3_access_key": "storage.s3.access_key",
    "s3_secret_key": "storage.s3.secret_key",
    "s3_secure": "storage.s3.secure",
    "s3_region": "storage.s3.region",
    "allowed_origins": "cors.allowed_origins",
    "allowed_source_dirs": "sources.allowed_dirs",
}
"""Where a field stands in the YAML file; one that is not here stands under its own name."""

LEGACY_VARIABLES: Final = {
    "db_url": "DATABASE_URL",
    "amqp_url": "AMQP_URL",
    "s3_endpoint": "PROTEA_MINIO_ENDPOINT",
    "s3_bucket": "PROTEA_MINIO_BUCKET",
    "s3_access_key": "PROTEA_MINIO_ACCESS_KEY",
    "s3_secret_key": "PROTEA_MINIO_SECRET_KEY",
    "s3_secure": "PROTEA_MINIO_SECURE",
}
"""Earlier names of variables that are still read, with a warning."""

LEGACY_YAML_KEYS: Final = {
    "storage.minio.endpoint": "storage.s3.endpoint",
    "storage.minio.bucket": "storage.s3.bucket",
    "storage.minio.access_key": "storage.s3.access_key",
    "storage.minio.secret_key": "storage.s3.secret_key",
    "storage.minio.secure": "storage.s3.secure",
}
"""Earlier keys of the YAML file that are still read, with a warning."""

YAML_SECTIONS: Final = {key.rpartition(".")[0] for key in (*YAML_KEYS.values(), *LEGACY_YAML_KEYS)}
"""What holds keys and values in the YAML file, ``tuning`` and the like aside."""


class MissingSettingError(PermanentError):
    """A setting that has no default was not given; PROTEA does not start without it."""

    slug = "missing-setting"


class InvalidSettingError(PermanentError):
    """A setting or the settings file has a value that PROTEA cannot use."""

    slug = "invalid-setting"


def _number_of_seconds(value: object) -> object:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _comma_list(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Duration = Annotated[timedelta, Field(gt=timedelta(0)), BeforeValidator(_number_of_seconds)]
"""A time span above zero: a number of seconds, or ISO 8601 such as ``PT1M30S``."""

PoolName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
EmbeddingPools = dict[PoolName, NonNegativeInt]
"""Least number of parameters by pool."""

Paths = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_comma_list)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_list)]


class _Group(BaseModel):
    """Settings that belong together; a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QueueTuning(_Group):
    """How the broker is spoken to."""

    amqp_heartbeat: Duration = Field(
        timedelta(seconds=30), description="A silent connection is dead after two of these."
    )
    prefetch: PositiveInt = Field(1, description="Messages a consumer of long work holds at a time.")


class WorkerTuning(_Group):
    """The database pool, and the times that decide how soon a dead worker is noticed."""

    db_pool_size: PositiveInt = Field(20, description="Database connections kept open per process.")
    db_pool_max_overflow: NonNegativeInt = Field(40, description="Connections above that in a burst.")
    db_pool_recycle: Duration = Field(timedelta(hours=1), description="Age at which a connection is replaced.")
    lease: Duration = Field(timedelta(seconds=20), description="How long a unit of work stays with a silent worker.")
    heartbeat: Duration = Field(timedelta(seconds=5), description="How often a worker renews its lease.")
    reaper_interval: Duration = Field(timedelta(seconds=5), description="Pause between looks for lost work.")
    stalled_after: Duration = Field(timedelta(minutes=10), description="Age at which unclaimed work is sent again.")
    retry_base: Duration = Field(timedelta(seconds=1), description="Pause after a first failure; doubles each time.")
    retry_maximum: Duration = Field(timedelta(minutes=10), description="Longest pause between two attempts.")
    interactive_batches: NonNegativeInt = Field(
        4, description="Jobs of at most so many batches go before longer ones between batches; 0 for strict turns."
    )
    running_jobs_per_key: NonNegativeInt = Field(
        10, description="Jobs of one API key that run at a time, the rest waits its turn; 0 for no limit."
    )
    shutdown_grace: Duration = Field(timedelta(minutes=2), description="Time for running work to end after SIGTERM.")

    @model_validator(mode="after")
    def _lease_outlives_missed_heartbeats(self) -> Self:
        if self.lease < 2 * self.heartbeat:
            msg = "lease must be at least twice heartbeat, or one late renewal takes the work away"
            raise ValueError(msg)
        return self


class OperationTuning(_Group):
    """How operations cut their work."""

    annotation_chunk_size: PositiveInt = Field(10_000, description="Annotations written in one statement.")


class ApiLimits(_Group):
    """What one request may ask for."""

    max_fasta_bytes: PositiveInt = Field(52_428_800, description="Largest FASTA body.")
    max_upload_bytes: PositiveInt = Field(2 * 1024**3, description="Largest uploaded file, as it is sent.")
    max_decompressed_bytes: PositiveInt = Field(16 * 1024**3, description="Largest file once it is unpacked.")
    max_records: PositiveInt = Field(100_000, description="Sequences in one query set.")
    max_residues: PositiveInt = Field(100_000, description="Length of one sequence.")
    page_limit: PositiveInt = Field(100, description="Items of a page when the request does not say.")


class Tuning(_Group):
    """Knobs with good defaults: ``PROTEA_TUNING__<group>__<field>``, or ``tuning:`` in YAML."""

    queue: QueueTuning = QueueTuning()
    worker: WorkerTuning = WorkerTuning()
    operation: OperationTuning = OperationTuning()
    api: ApiLimits = ApiLimits()


class Startup(_Group):
    """What a process does before its dependencies answer: ``PROTEA_STARTUP__*``."""

    dependency_wait: Duration = Field(
        timedelta(seconds=60), description="How long to wait for database, artifact store and broker before giving up."
    )


class Http(_Group):
    """Where a process answers requests, health and metrics: ``PROTEA_HTTP__*``."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: int = Field(8000, ge=1, le=65_535, description="TCP port.")


class Telemetry(_Group):
    """Where people look at what processes tell: ``PROTEA_TELEMETRY__*``. Where spans go is ``PROTEA_OTEL_*``."""

    jaeger_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s@]+$",
        description="Address of Jaeger's pages as people open them; jobs then link to their trace.",
    )


class StorageBackend(StrEnum):
    """Where large files are kept."""

    LOCAL = "local"
    S3 = "s3"


class _Explicit(BaseSettings):
    """Base of what the loaders fill: its constructor takes the values it is given and reads nothing behind them."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_nested_delimiter="__")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings' own
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave reading the environment and files to ``load_settings``, which knows the folder they are in."""
        return (init_settings,)


class Settings(_Explicit):
    """What every service shares; made by ``load_settings``, immutable.

    The addresses contain passwords: they stay out of ``repr``; log them through ``safe_url``.
    """

    db_url: str = Field(repr=False, description="PostgreSQL address; any driver in it becomes asyncpg.")
    amqp_url: str = Field(repr=False, description="RabbitMQ address.")
    artifacts_dir: Path = Field(Path("storage/evaluation_artifacts"), description="Folder of produced files.")
    storage_backend: StorageBackend = Field(StorageBackend.LOCAL, description="local or s3 (also called minio).")
    storage_root: Path | None = Field(None, description="Root of the local store; artifacts_dir when empty.")
    s3_endpoint: str | None = Field(None, description="host:port of the S3 server, or its http(s) address.")
    s3_bucket: str = Field("protea", min_length=1, description="Bucket of the artifacts; it must exist.")
    s3_access_key: str | None = Field(None, repr=False, description="Access key of the bucket.")
    s3_secret_key: SecretStr | None = Field(None, repr=False, description="Secret key of the bucket.")
    s3_secure: bool = Field(False, description="https for an endpoint that does not say http or https.")
    s3_region: str = Field("us-east-1", min_length=1, description="Region that requests are signed for.")
    allowed_origins: Origins = Field(
        ("http://localhost:3000", "http://127.0.0.1:3000", "http://localhost:8000", "http://127.0.0.1:8000"),
        description="Origins of web pages that may call the API; an empty list disables CORS.",
    )
    allowed_source_dirs: Paths = Field((), description="Folders whose files a load may name; none by default.")
    embedding_pools: EmbeddingPools = Field(
        {},
        description="Pools of embedder workers and from how many parameters of a model on each is for, as JSON:"
        ' {"large": 1000000000}. Models below the smallest, and k-mers, stay on the queue of no pool.',
    )
    tuning: Tuning = Tuning()
    startup: Startup = Startup()
    http: Http = Http()
    telemetry: Telemetry = Telemetry()

    @field_validator("db_url")
    @classmethod
    def _speak_through_asyncpg(cls, value: str) -> str:
        rewritten, found = re.subn(r"^postgres(ql)?(\+\w+)?://", "postgresql+asyncpg://", value)
        if not found:
            msg = "must look like postgresql://user:password@host:5432/database"
            raise ValueError(msg)
        return rewritten

    @field_validator("amqp_url")
    @classmethod
    def _is_amqp(cls, value: str) -> str:
        if not value.startswith(("amqp://", "amqps://")):
            msg = "must look like amqp://user:password@host:5672/"
            raise ValueError(msg)
        return value

    @field_validator("storage_backend", mode="before")
    @classmethod
    def _name_of_backend(cls, value: object) -> object:
        name = value.lower() if isinstance(value, str) else value
        return StorageBackend.S3 if name == "minio" else name

    @field_validator("s3_endpoint")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"(https?://)?[^\s/@?#]+/?", value):
            msg = "must look like host:9000 or https://host:9000, without credentials, bucket or path"
            raise ValueError(msg)
        return value

    @property
    def queue(self) -> QueueTuning:
        """The group ``tuning.queue``."""
        return self.tuning.queue

    @property
    def worker(self) -> WorkerTuning:
        """The group ``tuning.worker``."""
        return self.tuning.worker

    @property
    def operation(self) -> OperationTuning:
        """The group ``tuning.operation``."""
        return self.tuning.operation

    @property
    def api(self) -> ApiLimits:
        """The group ``tuning.api``."""
        return self.tuning.api


class ServiceSettings(_Explicit):
    """Base of one service's own settings.

    A subclass names its ``section``: with ``section = "embedder"`` the field ``device`` is read from
    ``PROTEA_EMBEDDER__DEVICE`` and from ``embedder.device`` in the YAML file.
    """

    section: ClassVar[str]


_Loaded = TypeVar("_Loaded", bound=_Explicit)
_Service = TypeVar("_Service", bound=ServiceSettings)


def load_settings(
    project_root: Path, *, env_prefix: str = ENV_PREFIX, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Read the shared settings.

    Parameters
    ----------
    project_root
        Folder of ``.env`` and ``protea.yaml``; relative paths in settings start here.
    env_prefix
        Start of the variables' names; another than ``PROTEA_`` is deprecated.
    overrides
        Values by field name that win over every source; groups may be given in part.

    Raises
    ------
    MissingSettingError
        If ``db_url`` or ``amqp_url`` is nowhere; names each with its variable and its YAML key.
    InvalidSettingError
        If a value or a file cannot be used; names each field, never its value, which may be a secret.
    """
    if env_prefix != ENV_PREFIX:
        warnings.warn(f"env_prefix {env_prefix!r} is deprecated: use {ENV_PREFIX}", DeprecationWarning, stacklevel=2)
    root = project_root.absolute()
    values = _by_field(_read_yaml(root, env_prefix))
    surroundings = _surroundings(Settings, root, env_prefix)
    if env_prefix == ENV_PREFIX:
        surroundings = _legacy(surroundings) | surroundings
    values = _merge(values, surroundings, overrides or {})
    _require(values, env_prefix)
    return _resolve_paths(_validate(Settings, values, env_prefix), root)


def load_service_settings(
    cls: type[_Service], project_root: Path, *, overrides: Mapping[str, Any] | None = None
) -> _Service:
    """Read a service's own settings from the same sources, in the same order.

    Parameters
    ----------
    cls
        The service's ``ServiceSettings``.
    project_root
        Folder of ``.env`` and ``protea.yaml``.
    overrides
        Values by field name that win over every source.

    Raises
    ------
    InvalidSettingError
        If a value or a file cannot be used, or a field without a default is nowhere.
    """
    root = project_root.absolute()
    prefix = f"{ENV_PREFIX}{cls.section.upper()}__"
    section = _read_yaml(root, ENV_PREFIX).get(cls.section) or {}
    if not isinstance(section, dict):
        raise InvalidSettingError(f"the section {cls.section!r} of the settings file must hold keys and values")
    return _validate(cls, _merge(section, _surroundings(cls, root, prefix), overrides or {}), prefix)


def missing_settings(names: Iterable[str], *, env_prefix: str = ENV_PREFIX) -> MissingSettingError:
    """Make the error that names fields of ``Settings`` with their variables and YAML keys."""
    told = ", ".join(f"{name} (set {env_prefix}{name.upper()}, or {YAML_KEYS[name]} in YAML)" for name in names)
    return MissingSettingError(f"settings without a default are missing: {told}")


def safe_url(url: str) -> str:
    """Hide the password of an address, for logs and messages.

    A password with an unescaped ``@`` is hidden whole: all up to the last ``@`` goes.
    """
    return re.sub(r"(?<=://)([^:/@]*):.*@", r"\1:***@", url)


def _surroundings(cls: type[_Explicit], root: Path, prefix: str) -> dict[str, Any]:
    """Values for ``cls`` from ``.env`` and, over them, the process environment."""
    try:
        dotenv = DotEnvSettingsSource(
            cls, env_file=root / ".env", env_prefix=prefix, dotenv_filtering="only_existing"
        )()
        return _merge(dotenv, EnvSettingsSource(cls, env_prefix=prefix)())
    except SettingsError as exc:
        raise InvalidSettingError(f"a variable cannot be read: {exc}; lists and maps are JSON") from exc


def _legacy(present: Mapping[str, Any]) -> dict[str, str]:
    promoted = {}
    for field, variable in LEGACY_VARIABLES.items():
        if field not in present and (value := os.environ.get(variable)):
            wanted = f"{ENV_PREFIX}{field.upper()}"
            warnings.warn(f"{variable} is deprecated: set {wanted} instead", DeprecationWarning, stacklevel=3)
            promoted[field] = value
    return promoted


def _read_yaml(root: Path, env_prefix: str) -> dict[str, Any]:
    named = os.environ.get(f"{env_prefix}CONFIG_FILE")
    path = root / (named or CONFIG_FILE)
    if named is None and not path.exists():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as exc:
        # Without the quoted line, which may hold a password.
        line = "" if exc.problem_mark is None else f" in line {exc.problem_mark.line + 1}"
        raise InvalidSettingError(f"the settings file {path} is not YAML: {exc.problem}{line}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise InvalidSettingError(f"the settings file {path} cannot be read: {exc}") from exc
    if not isinstance(content, dict | None):
        raise InvalidSettingError(f"the settings file {path} must hold keys and values at its top level")
    return content or {}


def _by_field(content: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the YAML file's keys into field names; sections of services are left to them."""
    fields = {key: field for field, key in YAML_KEYS.items()}
    sections = {key.partition(".")[0] for key in fields}
    own = {name: value for name, value in content.items() if name in Settings.model_fields and name not in YAML_KEYS}
    for key, value in _renamed(dict(_flatten({name: value for name, value in content.items() if name in sections}))):
        if key not in fields:
            raise InvalidSettingError(f"the settings file has an unknown key {key!r}; known are {', '.join(fields)}")
        own[fields[key]] = value
    return own


def _flatten(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        key = f"{above}{name}"
        if key not in YAML_SECTIONS:
            yield key, value
        elif isinstance(value, dict):
            yield from _flatten(value, f"{key}.")
        elif value is not None:
            raise InvalidSettingError(f"the section {key!r} of the settings file must hold keys and values")


def _renamed(flat: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give earlier keys their present names; where both stand, the present one is read."""
    for key, value in flat.items():
        present = LEGACY_YAML_KEYS.get(key)
        if present is not None:
            warnings.warn(f"{key} is deprecated: set {present} instead", DeprecationWarning, stacklevel=4)
        if present is None or present not in flat:
            yield present or key, value


def _merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lay mappings over one another, group by group; the last one wins."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            below = merged.get(name)
            merged[name] = _merge(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged


def _require(values: Mapping[str, Any], env_prefix: str) -> None:
    missing = [name for name, field in Settings.model_fields.items() if field.is_required() and not values.get(name)]
    if missing:
        raise missing_settings(missing, env_prefix=env_prefix)


def _validate(cls: type[_Loaded], values: Mapping[str, Any], prefix: str) -> _Loaded:
    try:
        return cls(**values)
    except ValidationError as exc:
        # Without its input values: an address with a password may be among them.
        told = "; ".join(
            f"{_variable(error['loc'], prefix)}: {error['msg']}" for error in exc.errors(include_input=False)
        )
        raise InvalidSettingError(f"settings cannot be used: {told}") from None


def _variable(location: tuple[int | str, ...], prefix: str) -> str:
    return prefix + "__".join(str(part) for part in location).upper()


def _resolve_paths(settings: Settings, root: Path) -> Settings:
    """Make relative paths absolute, starting at the project's root."""
    return settings.model_copy(
        update={
            "artifacts_dir": root / settings.artifacts_dir,
            "storage_root": None if settings.storage_root is None else root / settings.storage_root,
            "allowed_source_dirs": tuple(root / folder for folder in settings.allowed_source_dirs),
        }
    )
