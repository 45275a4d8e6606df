"""``protea backup`` and ``protea restore``: the database and the artifacts, into a folder and out of it."""
