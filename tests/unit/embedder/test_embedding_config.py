from __future__ import annotations

import pytest

from protea_embedder.domain.embedding_config import TooManyDimensionsError, new_embedding_config
from protea_embedder.domain.recipe import kmer_recipe, recipe_id

RECIPE = kmer_recipe("ab" * 32)


def test_a_new_config_has_the_id_of_its_recipe() -> None:
    config = new_embedding_config(RECIPE, weights_uri=None, dimension=16_000)

    assert config.id == recipe_id(RECIPE)


def test_a_recipe_of_more_dimensions_than_the_database_stores_is_refused_when_it_is_made() -> None:
    with pytest.raises(TooManyDimensionsError, match=r"16001 dimensions .* 16000 is the limit"):
        new_embedding_config(RECIPE, weights_uri=None, dimension=16_001)
