"""The demo's own files: where they are, and what is read from them on this side of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from protea_cli.errors import CommandError
from protea_common.domain.fasta import FastaLimits, FastaRecord, read_fasta
from protea_common.domain.text_stream import read_text_lines

__all__ = ["DEFAULT_DATA", "DemoData", "read_lines", "read_proteins"]

DEFAULT_DATA: Final = Path("demo/data")
"""Below the current folder, or else below the checkout that this program runs from."""

LIMITS: Final = FastaLimits(max_records=100_000, max_residues_per_sequence=100_000, max_total_residues=100_000_000)
"""More than the demo holds many times over; a larger file is not meant for it."""

MOST_BYTES: Final = 1_000_000_000
"""As `LIMITS`."""


@dataclass(frozen=True, slots=True)
class DemoData:
    """The three files."""

    ontology: Path
    proteins: Path
    annotations: Path

    @classmethod
    def find(cls, folder: Path) -> Self:
        """Find them in a folder.

        Raises
        ------
        CommandError
            If one is missing.
        """
        if folder == DEFAULT_DATA and not folder.is_dir():
            folder = Path(__file__).resolve().parents[3] / DEFAULT_DATA
        data = cls(folder / "go_2019-01-27.obo.gz", folder / "fly_proteins.fasta.gz", folder / "fly_annotations.gaf.gz")
        for file in (data.ontology, data.proteins, data.annotations):
            if not file.is_file():
                raise CommandError(
                    f"{file} is missing: run the demo in a checkout of PROTEA, or name its data by --data"
                )
        return data


def read_proteins(file: Path) -> Mapping[str, FastaRecord]:
    """Read a FASTA file, plain or gzip, by accession."""
    return {record.accession: record for record in read_fasta(read_lines(file), limits=LIMITS)}


def read_lines(file: Path) -> Iterator[str]:
    """Stream the lines of a text file, plain or gzip."""
    with file.open("rb") as content:
        yield from read_text_lines(iter(lambda: content.read(1 << 18), b""), max_decompressed_bytes=MOST_BYTES)
