"""``python -m protea_cli``: the ``protea`` command from a checkout."""

from __future__ import annotations

from protea_cli.main import main

if __name__ == "__main__":
    main()
