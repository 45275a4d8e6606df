from __future__ import annotations

import pytest

from protea_ingest.domain.interproscan import HitReject, SignatureHit, read_interproscan

MD5 = "14086411a2cdf1c4cba63020e1622579"


def line(**changes: str) -> str:
    """Write the example line of InterProScan's documentation, some of its columns changed."""
    columns = {
        "accession": "P51587",
        "md5": MD5,
        "length": "3418",
        "analysis": "Pfam",
        "signature": "PF09103",
        "description": "BRCA2, oligonucleotide/oligosaccharide-binding, domain 1",
        "start": "2670",
        "stop": "2799",
        "score": "7.9E-43",
        "status": "T",
        "date": "15-03-2013",
        "entry": "IPR015187",
        "entry_description": "BRCA2, oligonucleotide/oligosaccharide-binding 1",
    }
    return "\t".join((columns | changes).values())


def test_the_example_of_the_documentation() -> None:
    reader = read_interproscan([line() + "\n"])
    assert list(reader) == [SignatureHit(MD5, "P51587", "Pfam", "IPR015187", 2670, 2799, "7.9E-43")]
    assert (reader.data_lines, reader.rejects.total(), reader.release) == (1, 0, None)


def test_names_of_a_fasta_header_give_the_accession() -> None:
    (hit,) = read_interproscan([line(accession="sp|P51587|BRCA2_HUMAN", md5=MD5.upper(), score="-")])
    assert (hit.accession, hit.sequence_hash, hit.evidence) == ("P51587", MD5, None)


def test_the_header_says_the_release() -> None:
    reader = read_interproscan(["# InterProScan-5.67-99.0\n", "\n", "# anything\n", line()])
    assert len(list(reader)) == 1
    assert reader.release == "5.67-99.0"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("P51587\tmd5", HitReject.SHORT_LINE),
        (line(analysis=""), HitReject.SHORT_LINE),
        (line(md5="1408"), HitReject.BAD_MD5),
        (line(start="0"), HitReject.BAD_POSITION),
        (line(start="2800"), HitReject.BAD_POSITION),
        (line(stop="99999999999"), HitReject.BAD_POSITION),
        (line(stop="²"), HitReject.BAD_POSITION),
        (line(entry="-"), HitReject.NOT_INTEGRATED),
        ("\t".join(line().split("\t")[:11]), HitReject.NOT_INTEGRATED),
    ],
)
def test_what_is_no_hit_of_an_entry_is_counted(text: str, reason: HitReject) -> None:
    reader = read_interproscan([text, line()])
    assert len(list(reader)) == 1
    assert reader.rejects == {reason: 1}
