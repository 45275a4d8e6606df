"""A folder for a laptop edition, and a small part of the demo's data."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from protea_cli.demo.data import DEFAULT_DATA, DemoData, read_lines, read_proteins
from support.folders import traversable_folder
from support.laptop import SmallData

N_PROTEINS = 150


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that does not exist yet, where every user can reach it: root's database belongs to another one."""
    with traversable_folder("protea-test-home-") as parent:
        yield parent / "home"


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> SmallData:
    """The first proteins of the demo with all that is known of them."""
    demo = DemoData.find(DEFAULT_DATA)
    folder = tmp_path_factory.mktemp("small")
    records = dict(islice(read_proteins(demo.proteins).items(), N_PROTEINS))
    proteins, annotations = folder / "proteins.fasta", folder / "annotations.gaf.gz"
    proteins.write_text("".join(f">{name}\n{record.sequence}\n" for name, record in records.items()))
    rows = (line for line in read_lines(demo.annotations) if line.startswith("!") or line.split("\t")[1] in records)
    with gzip.open(annotations, "wt") as file:
        file.writelines(f"{row}\n" for row in rows)
    return SmallData(demo.ontology, proteins, annotations, records)
