"""Run notebooks in place from top to bottom, each in a fresh kernel, then clean them: how the committed outputs are made.

    python tools/run_notebooks.py [--only-shrink] [NOTEBOOK ...]        # default: all of nbs/ and nbs/solutions/
"""
import argparse
import base64
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = {name: "1" for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")}


def run(path):
    "Execute one notebook; an error in a cell stops here."
    jupyter = Path(sys.executable).with_name("jupyter")
    command = [jupyter, "nbconvert", "--log-level=ERROR", "--to", "notebook", "--execute", "--inplace", path]
    subprocess.run(command, check=True, cwd=path.parent, env=os.environ | ONE_THREAD)


def smaller(png):
    "The picture with 64 colours, half the size or less; the same bytes if that does not help."
    out = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return min(png, out.getvalue(), key=len)


def shrink(path):
    "Shrink the pictures of a notebook that have more colours than figures need."
    nb = json.loads(path.read_text(encoding="utf-8"))
    for output in (o for c in nb["cells"] for o in c.get("outputs", []) if "image/png" in o.get("data", {})):
        png = base64.b64decode("".join(output["data"]["image/png"]))
        if Image.open(io.BytesIO(png)).mode != "P":
            output["data"]["image/png"] = base64.b64encode(smaller(png)).decode()
    path.write_text(json.dumps(nb, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only-shrink", action="store_true", help="do not run them")
    parser.add_argument("notebooks", nargs="*", type=Path)
    args = parser.parse_args()
    for path in [p.resolve() for p in args.notebooks] or sorted((ROOT / "nbs").glob("*.ipynb")) + sorted((ROOT / "nbs" / "solutions").glob("*.ipynb")):
        began = time.time()
        if not args.only_shrink:
            run(path)
        shrink(path)
        subprocess.run([Path(sys.executable).with_name("nbdev_clean"), "--fname", path], check=True, cwd=ROOT)
        print(f"{path.relative_to(ROOT)}: {time.time() - began:.0f} s, {path.stat().st_size // 1024} KB", flush=True)


if __name__ == "__main__":
    main()
