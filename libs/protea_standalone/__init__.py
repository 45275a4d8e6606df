"""The laptop edition: the whole platform in one process, on parts that it brings itself."""
