from __future__ import annotations

import hashlib

from protea_common.domain.experiment_axes import ExperimentAxes


def test_the_short_id_is_of_the_axes_as_canonical_json() -> None:
    canonical = (
        '{"ensemble_spec":{"a":1,"b":2},"eval_set_manifest_sha":null,"eval_set_name":"reporting",'
        '"feature_schema_sha":null,"k":5,"plm":"esm2","propagation":null,"reranker_spec_id":null,"schema_sha_v2":null}'
    )

    axes = ExperimentAxes(plm="esm2", k=5, eval_set_name="reporting", ensemble_spec={"b": 2, "a": 1})

    assert axes.shortid == hashlib.sha256(canonical.encode()).hexdigest()[:12]


def test_nowhere_has_no_short_id() -> None:
    assert ExperimentAxes().shortid is None
