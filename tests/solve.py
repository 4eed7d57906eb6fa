"""Run a chapter, then give each of its exercises the right answer of its solutions: all must turn right in the chapter's own names.

    python tests/solve.py nbs/20_logistic.ipynb
"""
import ast
import contextlib
import io
import json
import linecache
import os
import re
import sys
from pathlib import Path


def cells(path, movielens):
    "The code of a notebook, cell by cell."
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        code = "".join(cell["source"])
        if cell["cell_type"] == "code" and (movielens or "#| movielens" not in code):
            yield code


def run(code, names):
    "Execute a cell and return what it prints; its source can be looked up, as TensorFlow does."
    import matplotlib.pyplot as plt
    out, name = io.StringIO(), f"<cell {len(linecache.cache)}>"
    linecache.cache[name] = len(code), None, code.splitlines(keepends=True), name
    with contextlib.redirect_stdout(out):
        exec(compile(code, name, "exec"), names)
    plt.close("all")
    return out.getvalue()


def right_answers(code, names):
    "Number and value of each answer that a solutions' cell calls right: the first argument of check(answer, *conditions_1, strict=True)."
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Expr) and isinstance(call := node.value, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check":
            starred = [a.value.id for a in call.args if isinstance(a, ast.Starred)]
            if starred:
                yield re.fullmatch(r"conditions_(\d)", starred[0])[1], eval(compile(ast.Expression(call.args[0]), "<answer>", "eval"), names)


def main(path):
    movielens = bool(os.environ.get("INTEREST_TUTORIAL_DATA"))
    names, answers, wrong = {"__name__": "__main__"}, {}, []
    os.chdir(path.parent)
    for code in cells(path, movielens):
        run(code, names)
    os.chdir(path.parent / "solutions")
    solved = {"__name__": "__main__"}
    for code in cells(Path(path.name), movielens):
        run(code, solved)
        answers |= dict(right_answers(code, solved))
    os.chdir(path.parent)
    exercises = [code for code in cells(path, movielens) if re.search(r"^answer_\d = None", code, re.M)]
    for code in exercises:
        number = re.search(r"^answer_(\d) = None", code, re.M)[1]
        names["_right"] = answers.get(number)
        said = run(re.sub(rf"^answer_{number} = None", f"answer_{number} = _right", code, flags=re.M), names).strip()
        print(f"{path.stem} exercise {number}: {said}")
        if said.splitlines()[-1:] != ["right"]:
            wrong.append(number)
    assert exercises and not wrong, f"{path.stem}: the solutions' answers are not right in the chapter: {wrong}"


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
