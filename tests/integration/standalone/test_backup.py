"""A backup of real data, restored elsewhere, predicts the same; and what a backup refuses."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from protea_common.storage.s3 import S3Bucket
from support.folders import traversable_folder
from support.laptop import SmallData, protea, running_up


@dataclass(frozen=True, slots=True)
class SavedLaptop:
    """A laptop edition that was filled, asked, stopped and backed up.

    Attributes
    ----------
    home
        Its folder.
    folder
        The backup.
    predictions
        What it predicted.
    printed
        What the backup said.
    """

    home: Path
    folder: Path
    predictions: str
    printed: str


def annotate(small_data: SmallData, url: str, output: Path) -> str:
    queries = output.with_suffix(".fasta")
    names = list(small_data.records)[:10]
    queries.write_text("".join(f">query{n}\n{small_data.records[name].sequence}\n" for n, name in enumerate(names)))
    done = protea("annotate", str(queries), "-o", str(output), url=url)
    assert done.returncode == 0, done.stderr
    return output.read_text()


@pytest.fixture(scope="module")
def saved(small_data: SmallData, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedLaptop]:
    with traversable_folder("protea-test-backup-") as parent:
        home, folder = parent / "home", parent / "saved"
        with running_up(home) as up:
            for command in (
                ("load", "ontology", str(small_data.ontology)),
                ("load", "proteins", str(small_data.proteins)),
                ("load", "annotations", str(small_data.annotations), "--annotated-before", "2017-01-01"),
                ("embed",),
            ):
                done = protea(*command, url=up.url)
                assert done.returncode == 0, done.stderr
            predictions = annotate(small_data, up.url, tmp_path_factory.mktemp("before") / "predictions.tsv")
            up.end(signal.SIGTERM)
        done = protea("backup", str(folder), "--home", str(home))
        assert done.returncode == 0, done.stderr
        yield SavedLaptop(home, folder, predictions, done.stdout)


def test_a_laptop_restored_elsewhere_predicts_the_same(saved: SavedLaptop, small_data: SmallData, home: Path) -> None:
    moved = saved.home.with_name("moved-away")
    saved.home.rename(moved)  # what the rows name must be found in the new place, not in the old one
    try:
        done = protea("restore", str(saved.folder), "--home", str(home))
        assert done.returncode == 0, done.stderr
        with running_up(home) as up:
            predictions = annotate(small_data, up.url, home.parent / "after.tsv")
            up.end(signal.SIGTERM)
    finally:
        moved.rename(saved.home)

    assert len(saved.predictions.splitlines()) > 100
    assert predictions == saved.predictions


def test_the_backup_says_what_it_holds_and_how_to_bring_it_back(saved: SavedLaptop) -> None:
    manifest = json.loads((saved.folder / "manifest.json").read_text())
    held = {str(path.relative_to(saved.folder)) for path in saved.folder.rglob("*") if path.is_file()}

    assert held == {"manifest.json", *manifest["files"]}
    assert f"{len(manifest['files']) - 1} artifacts" in saved.printed
    assert f"protea restore {saved.folder}" in " ".join(saved.printed.split())
    assert saved.folder.stat().st_mode & 0o077 == 0, "the dump holds the users' data"


async def test_a_laptop_s_data_go_into_a_database_and_a_folder_of_the_settings(
    saved: SavedLaptop, database_url: str, tmp_path: Path
) -> None:
    store = str(tmp_path / "store")

    restored = protea("restore", str(saved.folder), PROTEA_DB_URL=database_url, PROTEA_STORAGE_ROOT=store)
    again = protea("backup", str(tmp_path / "again"), PROTEA_DB_URL=database_url, PROTEA_STORAGE_ROOT=store)

    assert restored.returncode == 0, restored.stderr
    assert again.returncode == 0, again.stderr
    first, second = (
        json.loads((folder / "manifest.json").read_text()) for folder in (saved.folder, tmp_path / "again")
    )
    artifacts = [{k: v for k, v in m["files"].items() if k.startswith("artifacts/")} for m in (first, second)]
    assert artifacts[0] == artifacts[1]
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        uris = [row["weights_uri"] for row in await connection.fetch("SELECT weights_uri FROM embedding_config")]
        assert uris
        assert all(Path(uri.removeprefix("file://")).is_relative_to(tmp_path / "store") for uri in uris)
        assert await connection.fetchval("SELECT count(*) FROM go_prediction") > 100
    finally:
        await connection.close()
    assert database_url not in restored.stdout + again.stdout


async def test_the_artifacts_go_into_a_bucket_and_out_of_it(
    saved: SavedLaptop, database_url: str, s3_bucket: S3Bucket, tmp_path: Path
) -> None:
    store = {
        "PROTEA_DB_URL": database_url,
        "PROTEA_STORAGE_BACKEND": "s3",
        "PROTEA_S3_ENDPOINT": s3_bucket.endpoint,
        "PROTEA_S3_BUCKET": s3_bucket.name,
        "PROTEA_S3_ACCESS_KEY": s3_bucket.access_key,
        "PROTEA_S3_SECRET_KEY": s3_bucket.secret_key,
        "PROTEA_S3_REGION": s3_bucket.region,
    }

    restored = protea("restore", str(saved.folder), stdin=b"", url="", **store)
    again = protea("backup", str(tmp_path / "again"), stdin=b"", url="", **store)

    assert restored.returncode == 0, restored.stderr
    assert again.returncode == 0, again.stderr
    first, second = (
        json.loads((folder / "manifest.json").read_text()) for folder in (saved.folder, tmp_path / "again")
    )
    artifacts = [{k: v for k, v in m["files"].items() if k.startswith("artifacts/")} for m in (first, second)]
    assert artifacts[0] == artifacts[1]
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        uris = [row["weights_uri"] for row in await connection.fetch("SELECT weights_uri FROM embedding_config")]
    finally:
        await connection.close()
    assert uris
    assert all(uri.startswith(f"s3://{s3_bucket.name}/") for uri in uris)
    assert s3_bucket.secret_key not in restored.stdout + restored.stderr + again.stdout


def test_what_is_not_empty_is_not_restored_into(
    saved: SavedLaptop, migrated_database_url: str, database_url: str, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    full = protea("restore", str(saved.folder), PROTEA_DB_URL=migrated_database_url, PROTEA_STORAGE_ROOT=str(store))
    store.mkdir()
    (store / "a.bin").write_bytes(b"1")
    used = protea("restore", str(saved.folder), PROTEA_DB_URL=database_url, PROTEA_STORAGE_ROOT=str(store))

    assert (full.returncode, used.returncode) == (1, 1)
    assert "has tables already; restore into an empty one" in full.stderr
    assert "holds a.bin already; restore into an empty folder or bucket" in used.stderr


@pytest.mark.parametrize("damage", ["changed", "missing", "unfinished", "outside"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(
    saved: SavedLaptop, tmp_path: Path, home: Path, damage: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(saved.folder, folder)
    artifact = next(path for path in (folder / "artifacts").rglob("*") if path.is_file())
    told = {
        "changed": f"{artifact} is not the file that was backed up",
        "missing": f"{artifact} is missing from the backup",
        "unfinished": "holds no finished backup",
        "outside": "cannot be read",
    }
    manifest = folder / "manifest.json"
    outside = manifest.read_text().replace('"database.dump"', '"../database.dump"')
    harm: dict[str, Callable[[], object]] = {
        "changed": lambda: artifact.write_bytes(artifact.read_bytes()[:-1] + b"x"),
        "missing": artifact.unlink,
        "unfinished": manifest.unlink,
        "outside": lambda: manifest.write_text(outside),
    }
    harm[damage]()

    done = protea("restore", str(folder), "--home", str(home))

    assert done.returncode == 1
    assert told[damage] in done.stderr
    assert not home.exists()


def test_a_backup_wants_a_folder_of_its_own_and_a_platform_to_save(
    saved: SavedLaptop, database_url: str, tmp_path: Path
) -> None:
    onto = protea("backup", str(saved.folder), "--home", str(saved.home))
    nothing = protea("backup", str(tmp_path / "b"), PROTEA_DB_URL=database_url, PROTEA_STORAGE_ROOT=str(tmp_path / "s"))
    nowhere = protea("backup", str(tmp_path / "c"), "--home", str(tmp_path / "absent"))

    assert (onto.returncode, nothing.returncode, nowhere.returncode) == (1, 1, 1)
    assert "is not empty; give a backup a folder of its own" in onto.stderr
    assert "has no tables of PROTEA" in nothing.stderr
    assert "There is no PROTEA in" in nowhere.stderr
    assert not (tmp_path / "absent").exists()
