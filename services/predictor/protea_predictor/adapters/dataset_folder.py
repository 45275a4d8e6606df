"""A dataset on its way: its files in a folder of this machine, and what was seen of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from protea_predictor.adapters.dataset_files import DatasetWriter, FileDigest, digest_of, write_truth
from protea_predictor.domain.datasets.alarms import Alarm, ColumnWatch
from protea_predictor.domain.datasets.rows import CellCounts, RowBlock, TruthRows, count_cells
from protea_predictor.domain.features.definitions import FEATURES, family_members

__all__ = ["SPLIT_FILES", "TRUTH_FILE", "DatasetFolder", "FolderContent"]

SPLIT_FILES: Final = {"train": "train.parquet", "eval": "eval.parquet"}
"""File of each split: what is learnt from, and what training is stopped by."""

TRUTH_FILE: Final = "eval-truth.parquet"
"""What there is to find in the selection window, also of proteins without candidates."""


@dataclass(frozen=True, slots=True)
class FolderContent:
    """What a folder came to hold.

    Attributes
    ----------
    files
        Digest of each file, by name.
    features, families
        Columns behind the identity columns, and the families that they are of.
    absent
        Those of the features that no row has.
    counts
        By split.
    alarms
        What speaks against the rows that are learnt from.
    """

    files: dict[str, FileDigest]
    features: tuple[str, ...]
    families: tuple[str, ...]
    absent: tuple[str, ...]
    counts: dict[str, CellCounts]
    alarms: tuple[Alarm, ...]


class DatasetFolder:
    """Takes rows, in a ``with`` block; its methods block, so they are called on a thread.

    Parameters
    ----------
    folder
        Empty.
    go_ids
        Identifier of each term row.
    """

    def __init__(self, folder: Path, *, go_ids: Sequence[str]) -> None:
        self._folder = folder
        self._go_ids = go_ids
        self._stack = ExitStack()
        self._writers: dict[str, DatasetWriter] = {}
        self._counts: dict[str, CellCounts] = {split: CellCounts() for split in SPLIT_FILES}
        self._families: tuple[str, ...] = ()
        self._features: tuple[str, ...] = ()
        self._watch = ColumnWatch(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def write(self, split: str, block: RowBlock) -> None:
        """Write a block of rows of a split."""
        if not self._features:
            self._begin(block)
        if split not in self._writers:
            path = self._folder / SPLIT_FILES[split]
            writer = DatasetWriter(path, features=self._features, go_ids=self._go_ids)
            self._writers[split] = self._stack.enter_context(writer)
        self._writers[split].write(block)
        self._counts[split].update(count_cells(block))
        if split == "train":
            features = block.frame.matrix(self._watch.columns)
            self._watch.look(features, block.labels, multiplicities=block.multiplicities)

    def write_truth(self, truth: TruthRows) -> None:
        """Write what there is to find in the selection window."""
        write_truth(self._folder / TRUTH_FILE, truth)

    def close(self, *, suspicious_auc: float) -> FolderContent:
        """End the files and judge what was written."""
        self._stack.close()
        names = [*SPLIT_FILES.values(), TRUTH_FILE]
        files = {name: digest_of(self._folder / name) for name in names if (self._folder / name).exists()}
        return FolderContent(
            files=files,
            features=self._features,
            families=self._families,
            absent=self._watch.absent,
            counts=self._counts,
            alarms=self._watch.alarms(suspicious_auc=suspicious_auc),
        )

    def _begin(self, block: RowBlock) -> None:
        self._families = block.frame.families
        self._features = family_members(self._families)
        categories = [name for name in self._features if FEATURES[name].is_category]
        self._watch = ColumnWatch(self._features, categories=categories)
