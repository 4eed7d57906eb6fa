"""The right answers of the solutions are right in their chapters, too, under the names that stand there at the end."""
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "nbs").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_solutions_are_right_in_the_chapter(path):
    done = subprocess.run([sys.executable, ROOT / "tests/solve.py", path], capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    print(done.stdout)
