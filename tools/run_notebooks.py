"""Run notebooks in place from top to bottom, each in a fresh kernel, then clean them: how the committed outputs are made."""
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = {name: "1" for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")}


def run(path):
    "Execute one notebook and clean it; an error in a cell stops here."
    began = time.time()
    bin = Path(sys.executable).parent
    subprocess.run([bin / "jupyter", "nbconvert", "--log-level=ERROR", "--to", "notebook", "--execute", "--inplace", path], check=True, cwd=path.parent, env=os.environ | ONE_THREAD)
    subprocess.run([bin / "nbdev_clean", "--fname", path], check=True, cwd=ROOT)
    print(f"{path.relative_to(ROOT)}: {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    chosen = [Path(p).resolve() for p in sys.argv[1:]] or sorted((ROOT / "nbs").glob("*.ipynb")) + sorted((ROOT / "nbs" / "solutions").glob("*.ipynb"))
    for path in chosen:
        run(path)
