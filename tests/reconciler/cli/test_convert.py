"""`plumbline convert`: older spellings become current ones, and nothing else changes."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[3]
OLD = """\
version: "1.1"
kind: component
# kept
tags: "a, b"
inputs:
  - name: x
    type: int
    is_optional: true  # kept too
    delay_validation: true
run:
  kind: job
  container: {image: i, working_dir: /a}
"""
NEW = """\
version: 1.1
kind: component
# kept
tags: ["a", "b"]
inputs:
  - name: x
    type: int
    isOptional: true  # kept too
    validation:
      delay: true
run:
  kind: job
  container: {image: i, workingDir: /a}
"""


def convert(folder, *arguments):
    command = [sys.executable, "-m", "reconciler.cli", "convert", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}, check=False
    )


def test_old_spellings_become_current_ones_and_comments_stay(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(OLD)

    assert convert(tmp_path, "c.yaml", "--check").returncode == 1
    assert file.read_text() == OLD
    assert convert(tmp_path, "c.yaml", "--write").returncode == 0
    assert file.read_text() == NEW
    assert convert(tmp_path, "c.yaml", "--check").returncode == 0


def test_a_file_with_problems_is_left_alone(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(OLD + "unknown: 1\n")

    assert convert(tmp_path, "c.yaml", "--write").returncode == 2
    assert file.read_text() == OLD + "unknown: 1\n"
