"""The manifest of a dataset: what is in it, where it comes from and what it may be used for, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from protea_common.errors import PermanentError
from protea_predictor.adapters.dataset_files import IDENTITY_COLUMNS
from protea_predictor.adapters.dataset_folder import FolderContent
from protea_predictor.adapters.storage import StoredWindow
from protea_predictor.domain.datasets.alarms import AlarmKind
from protea_predictor.domain.datasets.rows import nested
from protea_predictor.domain.features.definitions import FEATURES
from protea_predictor.domain.features.fingerprint import definition_sha, family_sha, feature_schema_sha

__all__ = [
    "DatasetManifest",
    "ManifestError",
    "ManifestFile",
    "ManifestWindow",
    "Producer",
    "describe_dataset",
    "describe_window",
]


class ManifestError(PermanentError):
    """The manifest of a dataset is not what this version writes; export the dataset again."""

    slug: ClassVar[str] = "manifest-unreadable"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Producer(_Part):
    """What made it."""

    version: str
    git_sha: str | None


class ManifestFile(_Part):
    """A file beside the manifest."""

    name: str
    sha256: str
    size_bytes: int


class ManifestFeature(_Part):
    """A column as it was defined."""

    name: str
    version: int
    family: str
    unit: str
    vocabulary: tuple[str, ...]


class ManifestWindow(_Part):
    """A window that rows are of."""

    split: Literal["train", "eval"]
    name: str
    evaluation_set_id: UUID
    old_annotation_set_id: UUID
    new_annotation_set_id: UUID
    role: Literal["valid", "test"] | None
    begins: date | None
    known_until: date | None
    proteins: int
    skipped_proteins: int


class ManifestAlarm(_Part):
    """A suspicious column that somebody found to be right."""

    column: str
    kind: AlarmKind
    value: float
    message: str
    waived_because: str


class DatasetManifest(_Part):
    """See the field names; digests are SHA-256."""

    schema_version: Literal[2] = 2
    name: str
    rows: Mapping[str, int]
    cells: Mapping[str, Mapping[str, Mapping[str, int]]]
    columns: tuple[str, ...]
    features: tuple[ManifestFeature, ...]
    families: tuple[str, ...]
    absent_features: tuple[str, ...]
    schema_sha: str
    schema_sha_v2: str
    family_sha: str
    files: tuple[ManifestFile, ...]
    pairs: tuple[ManifestWindow, ...]
    parameters: Mapping[str, Any]
    alarms: tuple[ManifestAlarm, ...]
    temporal_waiver: str | None
    projection_sha256: str | None = None
    producer: Producer

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read a manifest.

        Raises
        ------
        ManifestError
            If it is none of this version.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as exc:
            raise ManifestError(
                f"The manifest cannot be read ({exc.error_count()} errors); export the dataset again."
            ) from exc

    def to_bytes(self) -> bytes:
        """Write it; equal datasets give equal bytes."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Columns behind the identity columns."""
        return tuple(feature.name for feature in self.features)

    def file(self, name: str) -> ManifestFile | None:
        """Look a file up by name; ``None`` if the dataset has none of it."""
        return next((file for file in self.files if file.name == name), None)

    def windows(self, split: str) -> tuple[ManifestWindow, ...]:
        """Windows of a split."""
        return tuple(window for window in self.pairs if window.split == split)


def describe_window(
    split: Literal["train", "eval"], stored: StoredWindow, *, proteins: int, embedded: int
) -> ManifestWindow:
    """Describe a window that rows were made of."""
    window = stored.window
    return ManifestWindow(
        split=split,
        name=window.name,
        evaluation_set_id=window.evaluation_set_id,
        old_annotation_set_id=stored.old_annotation_set_id,
        new_annotation_set_id=stored.new_annotation_set_id,
        role=None if window.role is None else window.role.value,
        begins=window.old.begins,
        known_until=window.new.known_until,
        proteins=embedded,
        skipped_proteins=proteins - embedded,
    )


def describe_dataset(
    content: FolderContent,
    *,
    name: str,
    pairs: Sequence[ManifestWindow],
    parameters: Mapping[str, Any],
    waivers: Mapping[str, str],
    temporal_waiver: str | None,
    projection_sha256: str | None,
    producer: Producer,
) -> DatasetManifest:
    """Describe a dataset whose alarms are all waived."""
    definitions = [FEATURES[feature] for feature in content.features]
    members = [(family, [d.name for d in definitions if d.family == family]) for family in content.families]
    cells = {split: nested(counts) for split, counts in content.counts.items()}
    return DatasetManifest(
        name=name,
        rows={split: sum(cell["rows"] for cell in table.values()) for split, table in cells.items()},
        cells=cells,
        columns=(*IDENTITY_COLUMNS, *content.features),
        features=tuple(
            ManifestFeature(name=d.name, version=d.version, family=d.family, unit=d.unit, vocabulary=d.vocabulary)
            for d in definitions
        ),
        families=content.families,
        absent_features=content.absent,
        schema_sha=feature_schema_sha(content.features),
        schema_sha_v2=definition_sha(content.features),
        family_sha=family_sha(members),
        files=tuple(
            ManifestFile(name=file, sha256=digest.sha256, size_bytes=digest.size_bytes)
            for file, digest in content.files.items()
        ),
        pairs=tuple(pairs),
        parameters=dict(parameters),
        alarms=tuple(
            ManifestAlarm(
                column=alarm.column,
                kind=alarm.kind,
                value=alarm.value,
                message=alarm.message,
                waived_because=waivers[alarm.column],
            )
            for alarm in content.alarms
        ),
        temporal_waiver=temporal_waiver,
        projection_sha256=projection_sha256,
        producer=producer,
    )
