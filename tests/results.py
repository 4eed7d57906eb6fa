"""Tables in nbs/results: each NAME.csv has a NAME.json that says how it was made, with a hash of the code that made it."""
import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "nbs/results"


def code_hash(files):
    "SHA-256 of the code in files relative to the root, without blank lines and lines of comment: the same on every Python."
    digest = hashlib.sha256()
    for name in sorted(files):
        lines = [line.rstrip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
        digest.update("\n".join([name, *(line for line in lines if line and not line.lstrip().startswith("#"))]).encode())
    return digest.hexdigest()


def keep(name, table, command, code, **made):
    "Write a table, six digits of each number, and how it was made; each file is replaced whole."
    versions = {p: version(p) for p in ("tensorflow", "keras", "scikit-learn", "numpy", "pandas")} | {"python": platform.python_version()}
    made = dict(command=command, **made, code=code, code_hash=code_hash(code), versions=versions)
    RESULTS.mkdir(exist_ok=True)
    for suffix, text in (("csv", table.round(6).to_csv(index=False)), ("json", json.dumps(made, indent=1) + "\n")):
        scratch = RESULTS / f".{name}.{suffix}"
        scratch.write_text(text, encoding="utf-8", newline="\n")
        scratch.replace(RESULTS / f"{name}.{suffix}")


def stale():
    "A line for each table whose code has changed since it was made."
    for path in sorted(RESULTS.glob("*.json")):
        made = json.loads(path.read_text(encoding="utf-8"))
        if made["code_hash"] != code_hash(made["code"]):
            yield f"nbs/results/{path.stem}.csv was made by other code; make it again: {made['command']}"
