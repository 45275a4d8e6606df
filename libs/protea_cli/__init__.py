"""The ``protea`` command."""
