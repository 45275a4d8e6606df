"""The demo's real data: the whole Gene Ontology and the fly, frozen at 2017-01-01.

Expected figures were counted with awk, sort and sha256sum over the unpacked files.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from protea_common.orm import JobStatus
from support.data_files import DEMO_DATA
from support.ingest_bench import IngestBench


async def test_the_fly_is_loaded_and_frozen(bench: IngestBench) -> None:
    proteins = await bench.load_proteins(DEMO_DATA / "fly_proteins.fasta.gz")
    ontology = await bench.load_ontology(DEMO_DATA / "go_2019-01-27.obo.gz")
    assert ontology.result is not None
    snapshot_id = UUID(ontology.result["ontology_snapshot_id"])
    annotations = await bench.load_annotations(
        DEMO_DATA / "fly_annotations.gaf.gz", snapshot_id, annotated_before=date(2017, 1, 1)
    )

    assert proteins.result == {
        "proteins_inserted": 3_115,
        "proteins_updated": 0,
        "sequences_inserted": 3_111,
        "sequences_reused": 0,
        "isoform_records": 0,
        "retrieved_records": 3_115,
        "sequence_conflicts": 0,
    }
    assert ontology.result == {
        "ontology_snapshot_id": str(snapshot_id),
        "obo_version": "releases/2019-01-27",
        "terms_inserted": 47_347,
        "relationships_inserted": 95_129,
        "obsolete": 2_334,
        "alt_ids": 2_432,
        "dropped_relations": 0,
    }
    assert annotations.status is JobStatus.SUCCEEDED
    assert annotations.result is not None
    assert (annotations.result["lines"], annotations.result["annotations_inserted"]) == (55_572, 28_747)
    assert annotations.result["rejected"] == {"after_cutoff": 20_701, "duplicate": 6_124}
    assert await bench.rows(
        "SELECT count(*), count(DISTINCT protein_accession), count(*) FILTER (WHERE is_negated),"
        " sum(CAST(annotation_date AS integer) % 10007) FROM protein_go_annotation"
    ) == [(28_747, 2_906, 213, 191_148_702)]
    assert await bench.scalar("SELECT obo_sha256 FROM ontology_snapshot") == (
        "310e574b929a73f7527934b67215fbdaf1dbf309b552960144c065497b3f6bc2"
    )
