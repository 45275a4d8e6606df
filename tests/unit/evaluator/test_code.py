from __future__ import annotations

import hashlib
from pathlib import Path

import protea_common
import protea_evaluator
from protea_evaluator.adapters.code import code_digest


def test_the_digest_is_of_all_modules_that_measure_as_sha256sum_lists_them() -> None:
    lines = []
    for package in (protea_common, protea_evaluator):
        folder = Path(str(package.__file__)).parent
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))
        digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names]
        lines += [f"{digest}  {package.__name__}/{name}\n" for digest, name in zip(digests, names, strict=True)]

    assert code_digest() == hashlib.sha256("".join(lines).encode()).hexdigest()
