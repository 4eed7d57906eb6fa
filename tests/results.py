"""Tables in nbs/results: each NAME.csv has a NAME.json that says how it was made, with a hash of the code that made it."""
import ast
import hashlib
import io
import json
import platform
import tokenize
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "nbs/results"


def _code(text):
    "The statements of a program, sorted, without docstrings, comments and blank lines."
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            lines[first.lineno - 1:first.end_lineno] = [""] * (first.end_lineno - first.lineno + 1)
    first = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) for node in tree.body]
    blocks = ("\n".join(line.rstrip() for line in lines[a - 1:node.end_lineno] if line.strip()) for a, node in zip(first, tree.body))
    return sorted(block for block in blocks if block)


def code_hash(files):
    "SHA-256 of the code in files relative to the root, without docstrings, comments, blank lines and the order of its definitions: the same on every Python."
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update("\n".join([name, *_code((ROOT / name).read_text(encoding="utf-8"))]).encode())
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
