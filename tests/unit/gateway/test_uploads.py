"""Names of uploads in the artifact store."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protea_common.storage import check_key
from protea_gateway.domain.uploads import upload_key


@pytest.mark.parametrize(
    ("filename", "safe"),
    [
        ("proteins.fasta.gz", "proteins.fasta.gz"),
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\my proteins.fa", "my_proteins.fa"),
        ("..", "file"),
        (".hidden", "hidden"),
        ("", "file"),
        (None, "file"),
        ("prótea.fa", "pr_tea.fa"),
        ("x" * 300 + ".gaf.gz", "x" * 93 + ".gaf.gz"),
    ],
)
def test_a_file_name_is_made_safe(filename: str | None, safe: str) -> None:
    assert upload_key("ab", filename) == f"uploads/ab/{safe}"


@given(filename=st.text(max_size=300))
def test_every_name_gives_an_allowed_key(filename: str) -> None:
    assert check_key(upload_key("0" * 64, filename)).startswith(f"uploads/{'0' * 64}/")
