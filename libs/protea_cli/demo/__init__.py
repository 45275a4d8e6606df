"""``protea demo``: the main job on real data, from nothing to an evaluated prediction."""
