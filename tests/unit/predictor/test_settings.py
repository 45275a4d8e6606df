"""The predictor's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from protea_common.runtime import Role
from protea_common.settings import Settings, load_service_settings
from protea_predictor.settings import PredictorSettings


def shared(**values: Path) -> Settings:
    return Settings(db_url="postgresql://localhost/protea", amqp_url="amqp://localhost/", **values)  # type: ignore[arg-type]  # paths only


@pytest.mark.parametrize(
    ("own", "common", "folder"),
    [
        ({}, {"artifacts_dir": Path("/artifacts")}, "/artifacts/.protea/cache"),
        ({}, {"artifacts_dir": Path("/artifacts"), "storage_root": Path("/store")}, "/store/.protea/cache"),
        ({"cache_dir": Path("/fast")}, {"storage_root": Path("/store")}, "/fast"),
    ],
)
def test_banks_are_cached_below_the_artifacts_unless_a_folder_is_named(
    own: dict[str, Path], common: dict[str, Path], folder: str
) -> None:
    settings = PredictorSettings(**own)  # type: ignore[arg-type]  # paths only

    assert settings.cache_folder(shared(**common)) == Path(folder)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROTEA_PREDICTOR__ROLE", "worker")
    monkeypatch.setenv("PROTEA_PREDICTOR__SEARCH_THREADS", "4")

    settings = load_service_settings(PredictorSettings, tmp_path)

    assert (settings.role, settings.search_threads) == (Role.WORKER, 4)
