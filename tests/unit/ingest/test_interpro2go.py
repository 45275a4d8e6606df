from __future__ import annotations

from datetime import date

import pytest

from protea_ingest.domain.interpro2go import EntryTerm, read_interpro2go

FILE = """!version date: 2017/01/07 10:24:18
!description: Mapping of InterPro entries to GO.
InterPro:IPR000003 Retinoid X receptor/HNF4 > GO:DNA binding ; GO:0003677
InterPro:IPR000003 Retinoid X receptor/HNF4 > GO:steroid hormone receptor activity ; GO:0003707
InterPro:IPR000719 Protein kinase domain; a > b ; c > GO:protein kinase activity ; GO:0004672

nothing that is known
InterPro:IPR000719 cut > GO:protein
"""


def test_every_line_gives_its_entry_and_term() -> None:
    reader = read_interpro2go(FILE.splitlines(keepends=True))
    assert list(reader) == [
        EntryTerm("IPR000003", "GO:0003677"),
        EntryTerm("IPR000003", "GO:0003707"),
        EntryTerm("IPR000719", "GO:0004672"),
    ]
    assert (reader.data_lines, reader.rejected) == (5, 2)


@pytest.mark.parametrize(
    ("comments", "day"),
    [
        ("!version date: 2017/01/07 10:24:18\n", date(2017, 1, 7)),
        ("!date: 2022/10/05 11:07:08\n!Mapping of InterPro entries to GO\n!date: 2024/01/01\n", date(2022, 10, 5)),
        ("!date: 2025-01-15 $Revision: 1.2345 $\n", date(2025, 1, 15)),
        ("!Mapping of InterPro entries to GO\n", None),
        ("!date: 2022/13/05 11:07:08\n", None),
        ("!date: 2022/10/051\n", None),
    ],
)
def test_the_day_of_the_release_is_that_of_the_first_comment_that_tells_one(comments: str, day: date | None) -> None:
    reader = read_interpro2go((comments + FILE.split("\n", 2)[2]).splitlines(keepends=True))
    assert reader.released_on is None
    assert len(list(reader)) == 3
    assert reader.released_on == day
