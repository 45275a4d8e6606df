"""``protea encoder unirep``: published arrays into a model's folder, and its licence shown first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.tiny_unirep import published_arrays, write_npz


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.npz"
    write_npz(path, published_arrays(layers=1, units=8))
    return path


def convert(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "protea_cli", "encoder", "unirep", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_licence_is_shown_and_has_to_be_accepted(weights: Path, tmp_path: Path) -> None:
    done = convert(weights, tmp_path / "model")

    assert done.returncode == 1
    assert "CC BY-NC 4.0" in done.stderr
    assert "--accept-licence" in done.stderr
    assert not (tmp_path / "model").exists()


def test_a_folder_is_written_and_the_next_command_said(weights: Path, tmp_path: Path) -> None:
    done = convert(weights, tmp_path / "model", "--accept-licence")

    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["config.json", "model.safetensors"]
    assert "units: 8" in done.stdout
    assert f"protea encoder add {tmp_path / 'model'} --backend unirep --licence 'CC BY-NC 4.0'" in done.stdout


def test_what_is_missing_is_named_in_one_line(tmp_path: Path) -> None:
    done = convert(tmp_path, tmp_path / "model", "--accept-licence")

    assert done.returncode == 1
    assert "there is no matrix mlstm.0.wmh" in done.stderr
    assert "Traceback" not in done.stderr
