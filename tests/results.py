"""Tables in nbs/results: each NAME.csv has a NAME.json that says how it was made, with a hash of the code that made it."""
import hashlib
import io
import json
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def code_hash(files):
    "SHA-256 of the code in files relative to the root: their tokens without comments, so that prose does not count."
    digest = hashlib.sha256()
    for name in sorted(files):
        text = (ROOT / name).read_text(encoding="utf-8")
        skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        tokens = [t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type not in skipped]
        digest.update("\x1f".join([name, *tokens]).encode())
    return digest.hexdigest()


def stale():
    "A line for each table whose code has changed since it was made."
    for path in sorted((ROOT / "nbs" / "results").glob("*.json")):
        made = json.loads(path.read_text(encoding="utf-8"))
        if made["code_hash"] != code_hash(made["code"]):
            yield f"nbs/results/{path.stem}.csv was made by other code; make it again: {made['command']}"
