"""The list of what a backup holds: written last, read first, so that half a backup is none."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from protea_cli.backup.errors import BackupDamagedError, BackupFolderError
from protea_common.storage import InvalidArtifactKeyError, check_key

__all__ = ["ARTIFACTS_FOLDER", "DATABASE_FILE", "MANIFEST_FILE", "FileRecord", "Manifest", "record_of"]

MANIFEST_FILE: Final = "manifest.json"
DATABASE_FILE: Final = "database.dump"
ARTIFACTS_FOLDER: Final = "artifacts"

_READ_BYTES: Final = 1024 * 1024
"""Bytes hashed at a time; artifacts are larger than memory is to spare."""


class FileRecord(BaseModel):
    """What a file must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)


class Manifest(BaseModel):
    """A finished backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    made_at: datetime = Field(description="When the database was read, UTC; nothing later is in the backup.")
    protea: str = Field(description="Version of the program that made it.")
    database_schema: str | None = Field(description="Last migration of the database.")
    artifact_base: str = Field(description="What the URIs of its artifacts begin with in the database's rows.")
    files: dict[str, FileRecord] = Field(description="Every file by its path below the folder.")

    @field_validator("files")
    @classmethod
    def _stay_below_the_folder(cls, files: dict[str, FileRecord]) -> dict[str, FileRecord]:
        try:
            for path in files:
                check_key(path)
        except InvalidArtifactKeyError as exc:
            raise ValueError(str(exc)) from exc
        return files

    @property
    def artifact_keys(self) -> list[str]:
        """Keys of the artifacts, sorted."""
        prefix = f"{ARTIFACTS_FOLDER}/"
        return sorted(path.removeprefix(prefix) for path in self.files if path.startswith(prefix))

    def write(self, folder: Path) -> None:
        """Write it, which makes the folder a backup."""
        draft = folder / f".{MANIFEST_FILE}.new"
        draft.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf8")
        draft.replace(folder / MANIFEST_FILE)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a backup.

        Raises
        ------
        BackupFolderError
            If the folder holds no finished backup, or one that this version cannot read.
        """
        try:
            return cls.model_validate_json((folder / MANIFEST_FILE).read_bytes())
        except OSError as exc:
            raise BackupFolderError(f"{folder} holds no finished backup: {MANIFEST_FILE} is not there.") from exc
        except ValidationError as exc:
            raise BackupFolderError(
                f"{folder / MANIFEST_FILE} cannot be read; a later version may have written it."
            ) from exc

    def verify(self, folder: Path) -> None:
        """Compare every file with its record.

        Raises
        ------
        BackupDamagedError
            Naming the first file that is missing or another one.
        """
        for path, record in self.files.items():
            file = folder / path
            if not file.is_file():
                raise BackupDamagedError(f"{file} is missing from the backup; take another one.")
            if record_of(file) != record:
                raise BackupDamagedError(f"{file} is not the file that was backed up; take another backup.")


def record_of(path: Path) -> FileRecord:
    """Measure a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return FileRecord(sha256=digest.hexdigest(), size_bytes=size)
