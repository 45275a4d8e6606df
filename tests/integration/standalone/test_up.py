"""``protea up`` and the commands that talk to it, each as a person starts them."""

from __future__ import annotations
