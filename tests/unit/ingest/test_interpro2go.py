from __future__ import annotations

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
