"""Results of jobs, in lines."""

from __future__ import annotations

from protea_cli.counts import describe_counts


def test_counts_are_readable_and_rejects_are_told_by_reason() -> None:
    result = {
        "annotation_set_id": "5f1e",
        "lines": 55572,
        "annotations_inserted": 40123,
        "rejected": {"unknown_protein": 1200, "obsolete_term": 0, "after_cutoff": 14000},
    }

    assert describe_counts(result) == [
        "  annotation set id: 5f1e",
        "  lines: 55,572",
        "  annotations inserted: 40,123",
        "  rejected: unknown protein 1,200, after cutoff 14,000",
    ]


def test_zero_is_a_count_and_nothing_is_left_out() -> None:
    assert describe_counts({"sequence_conflicts": 0, "skipped": False, "note": None, "rejected": {}}) == [
        "  sequence conflicts: 0"
    ]


def test_true_is_said() -> None:
    assert describe_counts({"skipped": True, "names": ["a", "b"]}) == ["  skipped: yes", "  names: a, b"]
