"""Every notebook from top to bottom, in a process of its own."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(p for p in (ROOT / "nbs").rglob("*.ipynb") if not any(s.startswith((".", "_")) for s in p.parts))
REAL_DATA = bool(os.environ.get("INTEREST_TUTORIAL_DATA"))


def reads_movielens(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return any("#| movielens" in "".join(c["source"]) for c in cells if c["cell_type"] == "code")


def cases():
    "A notebook with cells that read MovieLens is run with them where the data is there; else without them, and they count as skipped."
    for path in NOTEBOOKS:
        name = str(path.relative_to(ROOT / "nbs").with_suffix(""))
        if not reads_movielens(path):
            yield pytest.param(path, False, id=name)
        elif REAL_DATA:
            yield pytest.param(path, True, id=f"{name}+movielens")
        else:
            yield pytest.param(path, False, id=name)
            yield pytest.param(path, True, id=f"{name}+movielens", marks=pytest.mark.skip(reason="INTEREST_TUTORIAL_DATA is not set"))


@pytest.mark.parametrize("path, movielens", list(cases()))
def test_notebook(path, movielens):
    command = [str(Path(sys.executable).with_name("nbdev_test")), "--path", str(path), "--n_workers", "1", "--do_print"]
    command += ["--flags", "movielens"] if movielens else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=300)
    output = done.stdout + done.stderr
    assert done.returncode == 0 and "Success" in output, output[-6000:]
