"""``protea benchmark``: methods times windows as a file says, measured in one frame, kept with where they come from."""
