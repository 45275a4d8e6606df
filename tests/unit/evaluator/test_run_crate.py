from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from protea_evaluator.adapters.provenance import ingredients_of_receipt
from protea_evaluator.domain.run_crate import Ingredient, Run, pack_crate
from support.crate_validator import CrateValidator

FILES = {"figures.json": b"{}", "counts.parquet": b"PAR1"}
RUN = Run(
    identifier="8f1d0a34-52a0-4b0c-9a55-6a8f6f3b0a01",
    operation="run_cafa_evaluation",
    payload={"evaluation_set_id": str(UUID(int=1))},
    version="0.1.0",
    code_sha256="d" * 64,
    finished_at=datetime(2026, 11, 25, 3, 0, 0, 123456, tzinfo=UTC),
    frame={"name": "protea 0.1.0, fill/cafa/measurable/grid", "digest": "0123456789ab"},
    ingredients=[Ingredient("#ontology", "Gene Ontology 2019-01-27", "0" * 64, "go.obo")],
)
RECEIPT = {
    "reranking": {"models": [{"id": "b1", "name": "mine", "cell": "pk-bpo", "model_sha256": "b" * 64}]},
    "calibration": {"id": "c1", "content_sha256": "c" * 64, "evaluation_set_id": None},
}

UNKNOWN_TO_US = {
    "The Action SHOULD have an agent that is a Person or Organization",
    "The Application SHOULD have a url",
    "The Root Data Entity SHOULD have a link to a Contextual Entity representing the `author` of the RO-Crate",
    "The SoftwareApplication id SHOULD be an absolute URI",
    "The `publisher` property of a `Root Data Entity` SHOULD be an `Organization`",
}
"""What the profile recommends and nobody told the platform: who it is that measures, and where they publish."""


@pytest.fixture(scope="session")
def validator(request: pytest.FixtureRequest) -> CrateValidator:
    return CrateValidator(request.config.cache.mkdir("roc-validator"))


def written(folder: Path, run: Run = RUN) -> Path:
    crate = folder / "crate.zip"
    crate.write_bytes(pack_crate(run, FILES))
    return crate


@pytest.mark.timeout(600)
def test_a_crate_is_a_process_run_crate_by_a_validator_that_we_did_not_write(
    validator: CrateValidator, tmp_path: Path
) -> None:
    issues = validator.issues(written(tmp_path))

    assert issues == {("RECOMMENDED", message) for message in UNKNOWN_TO_US}


@pytest.mark.timeout(600)
def test_the_validator_finds_what_is_missing(validator: CrateValidator, tmp_path: Path) -> None:
    crate, broken = written(tmp_path), tmp_path / "broken.zip"
    with zipfile.ZipFile(crate) as whole, zipfile.ZipFile(broken, "w") as part:
        document = json.loads(whole.read("ro-crate-metadata.json"))
        for entity in document["@graph"]:
            entity.pop("instrument", None)
        part.writestr("ro-crate-metadata.json", json.dumps(document))
        for name in FILES:
            part.writestr(name, whole.read(name))

    required = {message for severity, message in validator.issues(broken) if severity == "REQUIRED"}

    assert "The Action MUST have an instrument property that references the executed tool" in required


def test_the_same_run_gives_the_same_bytes_and_another_gives_others() -> None:
    assert pack_crate(RUN, FILES) == pack_crate(RUN, FILES)
    assert pack_crate(replace(RUN, version="0.2.0"), FILES) != pack_crate(RUN, FILES)


def test_boosters_and_calibration_are_named_with_the_digests_of_their_files() -> None:
    booster, calibration = ingredients_of_receipt(RECEIPT)

    assert (booster.identifier, booster.name, booster.sha256) == ("#booster-b1", "mine (pk-bpo)", "b" * 64)
    assert (calibration.identifier, calibration.sha256) == ("#calibration", "c" * 64)
    assert ingredients_of_receipt({"reranking": None, "calibration": None}) == []
    assert ingredients_of_receipt({"baseline": "naive"}) == []
