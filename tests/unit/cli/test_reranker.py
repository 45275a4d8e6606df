from __future__ import annotations

import io

from rich.console import Console

from protea_cli.reranker import draw_rerankers

TRAINED: dict[str, object] = {
    "id": "5e0b6a0c-37a1-4c6f-9d19-3d6f3ad6c1aa",
    "name": "human-pk",
    "category": "pk",
    "aspect": "bpo",
    "metrics": {"selection_cells": {"pk-bpo": {"fmax": 0.41234}}},
    "external_source": None,
    "producer_version": "0.1.0",
}


def drawn(*rerankers: dict[str, object]) -> str:
    file = io.StringIO()
    Console(file=file, width=160).print(draw_rerankers(rerankers))
    return file.getvalue()


def test_a_reranker_is_listed_with_its_whole_id_cell_and_measure() -> None:
    text = drawn(TRAINED)

    for part in (str(TRAINED["id"]), "human-pk", "pk-bpo", "0.412", "trained here"):
        assert part in text


def test_where_an_imported_one_comes_from_is_said_as_written() -> None:
    imported = TRAINED | {"metrics": {}, "producer_version": None, "external_source": "lab [v2]", "aspect": None}

    assert "lab [v2]" in drawn(imported)
    assert "elsewhere" in drawn(imported | {"external_source": None})
