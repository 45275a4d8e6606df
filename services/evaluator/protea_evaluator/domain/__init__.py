"""What an evaluation is, as pure functions and frozen dataclasses; no input or output."""
