"""Where settings come from, which source wins, and how refusals read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import PositiveInt, SecretStr, ValidationError

from protea_common.errors import PermanentError
from protea_common.settings import (
    Duration,
    InvalidSettingError,
    MissingSettingError,
    ServiceSettings,
    Settings,
    StorageBackend,
    load_service_settings,
    load_settings,
    safe_url,
)

DB_URL = "postgresql+asyncpg://protea:secret@db:5432/protea"
AMQP_URL = "amqp://guest:secret@broker:5672/"
MANDATORY = {"db_url": DB_URL, "amqp_url": AMQP_URL}

YAML_FILE = f"""
database: {{url: "{DB_URL}"}}
queue: {{amqp_url: "{AMQP_URL}"}}
storage:
  artifacts_dir: from-yaml
  backend: local
  root: blobs
  s3: {{endpoint: "s3:9000", bucket: blobs, access_key: ak, secret_key: sk, secure: true, region: eu-west-1}}
cors: {{allowed_origins: ["https://protea.example.org"]}}
sources: {{allowed_dirs: [releases, /data/goa]}}
startup: {{dependency_wait: 7}}
tuning:
  worker: {{lease: 30, heartbeat: PT10S}}
http: {{port: 9000}}
"""

S3_VARIABLES = {
    "ENDPOINT": "s3:9000",
    "BUCKET": "blobs",
    "ACCESS_KEY": "ak",
    "SECRET_KEY": "topsecret",
    "SECURE": "true",
}


class EncoderSettings(ServiceSettings):
    section: ClassVar[str] = "encoder"

    device: str = "cpu"
    threads: PositiveInt = 1
    patience: Duration = timedelta(seconds=5)


def s3_fields(settings: Settings) -> tuple[str | None, str, str | None, str | None, bool]:
    secret = None if settings.s3_secret_key is None else settings.s3_secret_key.get_secret_value()
    return settings.s3_endpoint, settings.s3_bucket, settings.s3_access_key, secret, settings.s3_secure


def write(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text)


def test_every_key_of_the_yaml_file_reaches_its_field(tmp_path: Path) -> None:
    write(tmp_path, "protea.yaml", YAML_FILE)
    settings = load_settings(tmp_path)
    assert settings.db_url == DB_URL
    assert settings.amqp_url == AMQP_URL
    assert settings.artifacts_dir == tmp_path / "from-yaml"
    assert settings.storage_root == tmp_path / "blobs"
    assert (settings.s3_endpoint, settings.s3_bucket, settings.s3_access_key) == ("s3:9000", "blobs", "ak")
    assert settings.s3_secret_key == SecretStr("sk")
    assert (settings.s3_secure, settings.s3_region) == (True, "eu-west-1")
    assert settings.allowed_origins == ("https://protea.example.org",)
    assert settings.allowed_source_dirs == (tmp_path / "releases", Path("/data/goa"))
    assert settings.startup.dependency_wait == timedelta(seconds=7)
    assert settings.worker.lease == timedelta(seconds=30)
    assert settings.worker.heartbeat == timedelta(seconds=10)
    assert settings.http.port == 9000


def test_the_environment_wins_over_dotenv_over_yaml_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "protea.yaml", YAML_FILE)
    write(
        tmp_path,
        ".env",
        "PROTEA_STARTUP__DEPENDENCY_WAIT=8\nPROTEA_TUNING__WORKER__LEASE=40\nPROTEA_HTTP__PORT=9001\nUNRELATED=1\n",
    )
    monkeypatch.setenv("PROTEA_HTTP__PORT", "9002")
    settings = load_settings(tmp_path)
    assert settings.http.port == 9002
    assert settings.startup.dependency_wait == timedelta(seconds=8)
    assert settings.worker.lease == timedelta(seconds=40)
    assert settings.worker.heartbeat == timedelta(seconds=10)
    assert settings.http.host == "127.0.0.1"


def test_overrides_win_over_everything_and_may_give_part_of_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROTEA_HTTP__PORT", "9002")
    monkeypatch.setenv("PROTEA_HTTP__HOST", "0.0.0.0")  # noqa: S104 - nothing listens
    settings = load_settings(tmp_path, overrides={**MANDATORY, "http": {"port": 9003}})
    assert (settings.http.host, settings.http.port) == ("0.0.0.0", 9003)  # noqa: S104 - as above


def test_the_yaml_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "other.yaml", YAML_FILE)
    monkeypatch.setenv("PROTEA_CONFIG_FILE", "other.yaml")
    assert load_settings(tmp_path).http.port == 9000


def test_a_named_yaml_file_that_is_absent_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROTEA_CONFIG_FILE", "absent.yaml")
    with pytest.raises(InvalidSettingError, match=r"absent\.yaml"):
        load_settings(tmp_path, overrides=MANDATORY)


def test_what_is_missing_is_named_with_its_variable_and_its_yaml_key(tmp_path: Path) -> None:
    with pytest.raises(MissingSettingError) as raised:
        load_settings(tmp_path)
    assert isinstance(raised.value, PermanentError)
    for name in ("db_url", "PROTEA_DB_URL", "database.url", "amqp_url", "PROTEA_AMQP_URL", "queue.amqp_url"):
        assert name in str(raised.value)


def test_an_empty_mandatory_variable_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROTEA_DB_URL", "")
    with pytest.raises(MissingSettingError, match="db_url"):
        load_settings(tmp_path, overrides={"amqp_url": AMQP_URL})


@pytest.mark.parametrize(
    "given",
    ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg"],
)
def test_every_spelling_of_the_database_becomes_asyncpg(tmp_path: Path, given: str) -> None:
    settings = load_settings(tmp_path, overrides={**MANDATORY, "db_url": f"{given}://u:p@h:5432/d?ssl=require"})
    assert settings.db_url == "postgresql+asyncpg://u:p@h:5432/d?ssl=require"


@pytest.mark.parametrize(("field", "value"), [("db_url", "sqlite:///x:topsecret"), ("amqp_url", "http://topsecret")])
def test_an_address_of_another_kind_is_refused_without_repeating_it(tmp_path: Path, field: str, value: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"PROTEA_{field.upper()}: .*must look like") as raised:
        load_settings(tmp_path, overrides={**MANDATORY, field: value})
    assert "topsecret" not in str(raised.value)


def test_a_wrong_value_is_named_by_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROTEA_TUNING__WORKER__LEASE", "soon")
    monkeypatch.setenv("PROTEA_HTTP__PORT", "70000")
    with pytest.raises(InvalidSettingError) as raised:
        load_settings(tmp_path, overrides=MANDATORY)
    assert "PROTEA_TUNING__WORKER__LEASE" in str(raised.value)
    assert "PROTEA_HTTP__PORT" in str(raised.value)


def test_a_misspelt_field_of_a_group_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROTEA_TUNING__WORKER__LEESE", "20")
    with pytest.raises(InvalidSettingError, match="PROTEA_TUNING__WORKER__LEESE"):
        load_settings(tmp_path, overrides=MANDATORY)


def test_a_map_that_is_not_json_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROTEA_TUNING", "annotate=3")
    with pytest.raises(InvalidSettingError, match="JSON"):
        load_settings(tmp_path, overrides=MANDATORY)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("storage: {rooot: x}", "storage.rooot"),
        ("storage: {s3: {rooot: x}}", "storage.s3.rooot"),
        ("storage: {s3: text}", "'storage.s3'"),
        ("database: text", "'database'"),
        ("- a\n- b\n", "top level"),
        ("database: {url: 'postgresql://u:topsecret@h/d", "line"),
    ],
)
def test_a_wrong_settings_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "protea.yaml", text)
    with pytest.raises(InvalidSettingError, match=said) as raised:
        load_settings(tmp_path, overrides=MANDATORY)
    assert "topsecret" not in str(raised.value)


def test_a_lease_must_outlive_a_missed_heartbeat(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingError, match="twice heartbeat"):
        load_settings(tmp_path, overrides={**MANDATORY, "tuning": {"worker": {"lease": 9, "heartbeat": 5}}})


@pytest.mark.parametrize("name", ["DATABASE_URL", "AMQP_URL"])
def test_a_name_without_prefix_is_read_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    values = {"DATABASE_URL": DB_URL, "AMQP_URL": AMQP_URL}
    monkeypatch.setenv(name, values.pop(name))
    others = {"DATABASE_URL": "db_url", "AMQP_URL": "amqp_url"}
    with pytest.warns(DeprecationWarning, match=f"^{name} is deprecated"):
        settings = load_settings(tmp_path, overrides={others[key]: value for key, value in values.items()})
    assert settings.db_url == DB_URL
    assert settings.amqp_url == AMQP_URL


def test_a_name_without_prefix_is_ignored_where_the_full_name_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://other/other")
    monkeypatch.setenv("PROTEA_DB_URL", DB_URL)
    assert load_settings(tmp_path, overrides={"amqp_url": AMQP_URL}).db_url == DB_URL


def test_another_prefix_warns_and_skips_the_names_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD_DB_URL", DB_URL)
    monkeypatch.setenv("AMQP_URL", AMQP_URL)
    with (
        pytest.warns(DeprecationWarning, match="env_prefix"),
        pytest.raises(MissingSettingError, match="OLD_AMQP_URL"),
    ):
        load_settings(tmp_path, env_prefix="OLD_")


@pytest.mark.parametrize(
    ("given", "expected"),
    [("https://a.org, https://b.org", ("https://a.org", "https://b.org")), ("", ())],
)
def test_origins_are_a_comma_list_and_an_empty_one_disables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, expected: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PROTEA_ALLOWED_ORIGINS", given)
    assert load_settings(tmp_path, overrides=MANDATORY).allowed_origins == expected


def test_by_default_only_pages_of_this_machine_may_call_and_no_folder_is_open(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, overrides=MANDATORY)
    assert {origin.rsplit(":", 1)[0] for origin in settings.allowed_origins} == {"http://localhost", "http://127.0.0.1"}
    assert settings.allowed_source_dirs == ()
    assert settings.artifacts_dir == tmp_path / "storage" / "evaluation_artifacts"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("local", StorageBackend.LOCAL), ("S3", StorageBackend.S3), ("MinIO", StorageBackend.S3)],
)
def test_backends_are_read_in_any_case_and_minio_is_s3(tmp_path: Path, given: str, expected: StorageBackend) -> None:
    settings = load_settings(tmp_path, overrides={**MANDATORY, "storage_backend": given})
    assert settings.storage_backend is expected


def test_s3_is_read_from_variables_and_its_secret_key_stays_out_of_sight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in S3_VARIABLES.items():
        monkeypatch.setenv(f"PROTEA_S3_{name}", value)
    monkeypatch.setenv("PROTEA_S3_REGION", "eu-west-1")
    settings = load_settings(tmp_path, overrides=MANDATORY)
    assert s3_fields(settings) == ("s3:9000", "blobs", "ak", "topsecret", True)
    assert settings.s3_region == "eu-west-1"
    assert "topsecret" not in repr(settings)


def test_the_earlier_names_of_s3_variables_are_read_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in S3_VARIABLES.items():
        monkeypatch.setenv(f"PROTEA_MINIO_{name}", value)
    with pytest.warns(DeprecationWarning, match="^PROTEA_MINIO_") as warned:
        settings = load_settings(tmp_path, overrides=MANDATORY)
    assert sorted(str(warning.message) for warning in warned) == [
        f"PROTEA_MINIO_{name} is deprecated: set PROTEA_S3_{name} instead" for name in sorted(S3_VARIABLES)
    ]
    assert s3_fields(settings) == ("s3:9000", "blobs", "ak", "topsecret", True)


def test_an_earlier_name_is_ignored_where_the_present_one_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROTEA_MINIO_ENDPOINT", "old:9000")
    monkeypatch.setenv("PROTEA_S3_ENDPOINT", "new:9000")
    assert load_settings(tmp_path, overrides=MANDATORY).s3_endpoint == "new:9000"


def test_the_earlier_section_of_the_yaml_file_is_read_with_a_warning_below_the_present_one(tmp_path: Path) -> None:
    write(
        tmp_path,
        "protea.yaml",
        "storage: {minio: {endpoint: 'old:9000', bucket: old, secure: true}, s3: {bucket: new}}",
    )
    with pytest.warns(DeprecationWarning, match=r"^storage\.minio\.\w+ is deprecated: set storage\.s3\.\w+ instead"):
        settings = load_settings(tmp_path, overrides=MANDATORY)
    assert (settings.s3_endpoint, settings.s3_bucket, settings.s3_secure) == ("old:9000", "new", True)


def test_an_empty_section_of_the_yaml_file_says_nothing(tmp_path: Path) -> None:
    write(tmp_path, "protea.yaml", "storage: {s3: }\ncors:\n")
    assert load_settings(tmp_path, overrides=MANDATORY).s3_bucket == "protea"


@pytest.mark.parametrize(
    "endpoint", ["http://ak:topsecret@s3:9000", "s3:9000/topsecret", "ftp://topsecret", "https://s3/?key=topsecret"]
)
def test_an_s3_endpoint_with_more_than_an_address_is_refused_without_repeating_it(
    tmp_path: Path, endpoint: str
) -> None:
    with pytest.raises(InvalidSettingError, match=r"PROTEA_S3_ENDPOINT: .*must look like") as raised:
        load_settings(tmp_path, overrides={**MANDATORY, "s3_endpoint": endpoint})
    assert "topsecret" not in str(raised.value)


def test_settings_cannot_be_changed_and_do_not_show_passwords(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, overrides=MANDATORY)
    with pytest.raises(ValidationError, match="frozen"):
        settings.artifacts_dir = tmp_path  # type: ignore[misc]  # the refused write is the claim
    assert "secret" not in repr(settings)


def test_made_by_hand_settings_read_nothing_behind_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROTEA_HTTP__PORT", "99")
    assert Settings(db_url=DB_URL, amqp_url=AMQP_URL).http.port == 8000


def test_a_service_reads_its_section_from_the_same_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "protea.yaml", "encoder: {device: from-yaml, threads: 2, patience: 1.5}")
    write(tmp_path, ".env", "PROTEA_ENCODER__THREADS=3\n")
    monkeypatch.setenv("PROTEA_ENCODER__DEVICE", "cuda:0")
    settings = load_service_settings(EncoderSettings, tmp_path)
    assert settings == EncoderSettings(device="cuda:0", threads=3, patience=timedelta(seconds=1.5))


def test_a_service_s_wrong_value_is_named_by_its_variable(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingError, match="PROTEA_ENCODER__THREADS"):
        load_service_settings(EncoderSettings, tmp_path, overrides={"threads": 0})


def test_a_service_s_section_does_not_disturb_the_shared_settings(tmp_path: Path) -> None:
    write(tmp_path, "protea.yaml", "encoder: {device: cuda}")
    assert load_settings(tmp_path, overrides=MANDATORY).db_url == DB_URL


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("postgresql+asyncpg://protea:s3cret@db:5432/x", "postgresql+asyncpg://protea:***@db:5432/x"),
        ("amqp://guest:p@ss/w:rd@broker//", "amqp://guest:***@broker//"),
        ("amqp://:only@broker/", "amqp://:***@broker/"),
        ("postgresql://db:5432/x", "postgresql://db:5432/x"),
        ("postgresql://protea@db/x", "postgresql://protea@db/x"),
    ],
)
def test_a_password_is_hidden_and_the_rest_stays_readable(url: str, safe: str) -> None:
    assert safe_url(url) == safe
