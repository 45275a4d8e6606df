"""Pure functions and frozen dataclasses on numpy arrays; no input or output."""
