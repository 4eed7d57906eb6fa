"""The repository is in order: notebooks, package and README agree; directives, outputs and docstrings are as CONTRIBUTING says."""
import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(p for p in (ROOT / "nbs").rglob("*.ipynb") if not any(s.startswith((".", "_")) for s in p.parts))
MODULES = sorted(p for p in (ROOT / "interest_tutorial").glob("*.py") if not p.name.startswith("_"))
BIN = Path(sys.executable).parent
DIRECTIVES = {"default_exp", "export", "hide", "movielens"}
DEBRIS = {
    "a path of a machine": re.compile(r"/(?:root|home|work|tmp|Users|private|var/folders)/[\w.-]+|[A-Z]:\\\\Users"),
    "a warning": re.compile(r"\w*Warning: |WARNING"),
    "a memory address": re.compile(r" at 0x[0-9a-f]{6,}"),
}
by_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: str(p.relative_to(ROOT / "nbs").with_suffix("")))


def cells(path, kind="code"):
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind]


def directive_problems(source):
    "What is wrong with the directives of one code cell."
    lines = source.splitlines()
    for number, line in enumerate(lines):
        if not (found := re.match(r"\s*#\s*\|\s*([\w-]*)", line)):
            if re.match(r"\s*#\s*export\b", line):
                yield f"{line!r} is no directive: write #| export"
            continue
        if not line.startswith("#| "):
            yield f"{line!r}: write #| and one space, at the start of the line"
        if found[1] not in DIRECTIVES:
            yield f"unknown directive {line!r}, expected one of {sorted(DIRECTIVES)}"
        if any(not above.startswith("#|") for above in lines[:number]):
            yield f"{line!r} stands below other lines and is ignored: move it to the top of the cell"


def output_text(output):
    data = output.get("data", {})
    return "".join("".join(v) for v in [output.get("text", []), *(v for k, v in data.items() if k.startswith("text/"))])


def output_problems(path):
    "What is wrong with the committed outputs of a notebook."
    code = cells(path)
    if len(code) > 3 and not any(c["outputs"] for c in code):
        yield "no outputs: run make outputs"
    for n, cell in enumerate(code):
        shows = re.search(r"^(?:print|check)\(", "".join(cell["source"]), re.M)
        if shows and not cell["outputs"] and "#| movielens" not in "".join(cell["source"]):
            yield f"code cell {n} prints but has no output: run make outputs"
        for out in cell["outputs"]:
            if out["output_type"] == "error":
                yield f"code cell {n}: an error {out['ename']}"
            if out.get("name") == "stderr":
                yield f"code cell {n}: stderr {output_text(out)[:80]!r}"
            for what, pattern in DEBRIS.items():
                if hit := pattern.search(output_text(out)):
                    yield f"code cell {n}: {what}: {hit[0]!r}"
    if path.stat().st_size > 200_000 * 1.024:
        yield f"{path.stat().st_size // 1024} KB, at most 200"


def docstring_problems(module):
    "What is wrong with the documentation of a module's public functions and methods."
    tree, lines = ast.parse(module.read_text(encoding="utf-8")), module.read_text(encoding="utf-8").splitlines()
    if not ast.get_docstring(tree):
        yield "the module has no docstring"
    public = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and not n.name.startswith("_")]
    methods = [m for c in public if isinstance(c, ast.ClassDef) for m in c.body if isinstance(m, ast.FunctionDef) and not m.name.startswith("_")]
    for node in public + methods:
        if not ast.get_docstring(node):
            yield f"{node.name} has no docstring"
        if isinstance(node, ast.ClassDef):
            continue
        for arg in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            if arg.arg in ("self", "cls") or (node in methods and arg.arg in ("y", "input_features")):
                continue
            if arg.annotation is None:
                yield f"{node.name}: argument {arg.arg} has no type"
            if "#" not in lines[(arg.end_lineno or arg.lineno) - 1]:
                yield f"{node.name}: argument {arg.arg} has no comment that says what it is"


@by_notebook
def test_directives(path):
    problems = [f"{n}: {p}" for n, c in enumerate(cells(path)) for p in directive_problems("".join(c["source"]))]
    assert not problems, "\n".join(problems)


@by_notebook
def test_outputs(path):
    problems = list(output_problems(path))
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.stem)
def test_docstrings(module):
    problems = list(docstring_problems(module))
    assert not problems, "\n".join(problems)


@by_notebook
def test_links(path):
    "Links to other files of the repository lead somewhere."
    text = "\n".join("".join(c["source"]) for c in cells(path, "markdown"))
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
    missing = [t for t in targets if not (path.parent / t).exists()]
    assert not missing, missing


@by_notebook
def test_chapters_are_named_by_links(path):
    "Another chapter that the text names is a link to it."
    text = "\n".join("".join(c["source"]) for c in cells(path, "markdown"))
    bare = re.sub(r"```.*?```|`[^`\n]*`|\[[^]]*\]\([^)]*\)", "", text, flags=re.S)
    bare = [m for m in re.findall(r"[Cc]hapters? \d\d\b(?! on)|\b\d\d_[a-z]+\b", bare) if m != path.stem]
    assert not bare, bare


@pytest.mark.parametrize("source, words", [
    ("#| exprt\nx = 1", "unknown directive"),
    ("# a comment\n#| export\nx = 1", "below other lines"),
    ("#|export\nx = 1", "one space"),
    (" #| export\nx = 1", "start of the line"),
    ("# export\nx = 1", "is no directive"),
    ("#| eval: false\nx = 1", "unknown directive"),
])
def test_the_lint_sees(source, words):
    problems = " ".join(directive_problems(source))
    print(problems)
    assert words in problems


def test_export_and_clean_leave_no_diff(tmp_path):
    names = ["settings.ini", "setup.py", "pyproject.toml", "README.md", "nbs", "interest_tutorial"]
    for name in names:
        source, target = ROOT / name, tmp_path / name
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "interest_run")) if source.is_dir() else shutil.copy(source, target)
    read = lambda p: p.read_bytes().replace(b"\r\n", b"\n")        # nbdev writes the platform's line ends
    before = {p: read(p) for p in tmp_path.rglob("*") if p.is_file()}
    for command in ("nbdev_export", "nbdev_clean"):
        done = subprocess.run([BIN / command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    after = {p: read(p) for p in tmp_path.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    changed = sorted(str(p.relative_to(tmp_path)) for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    assert not changed, f"run make export and nbdev_clean: {changed}"


def test_readme_is_in_step():
    sys.path.insert(0, str(ROOT / "tools"))
    from make_readme import readme
    assert (ROOT / "README.md").read_text(encoding="utf-8") == readme(), "run make readme"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_readme_links_lead_somewhere(name):
    targets = re.findall(r"(?:\]\(|src=\")(?!https?:|#)([^)\"#\s]+)", (ROOT / name).read_text(encoding="utf-8"))
    assert targets and not [t for t in targets if not (ROOT / t).exists()]
    chapters = {f"nbs/{p.name}" for p in (ROOT / "nbs").glob("[0-9]*.ipynb")}
    assert chapters <= set(targets), f"{name} does not lead to {sorted(chapters - set(targets))}"


CHAPTERS = sorted((ROOT / "nbs").glob("[0-9]*.ipynb"))
GLOSSARY = pd.read_csv(ROOT / "nbs" / "glossary.csv", keep_default_na=False)
CHINESE = re.compile(r"[\u4e00-\u9fff]+")
by_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)


def test_glossary():
    "One row a term, in the order of the course; sections and chapters as they are written elsewhere."
    assert list(GLOSSARY) == ["English", "中文", "symbol", "section", "chapter"]
    for name in ("English", "中文"):
        twice = GLOSSARY[name][GLOSSARY[name].duplicated()].tolist()
        assert not twice, f"twice in the glossary: {twice}"
    assert GLOSSARY["中文"].str.fullmatch(CHINESE.pattern).all()
    odd = [s for s in GLOSSARY.section if not re.fullmatch(r"(§[1-9](\.\d){0,2})?", s)]
    assert not odd, odd
    unknown = set(GLOSSARY.chapter) - {p.stem for p in CHAPTERS}
    assert not unknown, unknown


@by_chapter
def test_chinese_terms(path):
    "A chapter's Chinese terms stand in the glossary; one that it introduces stands in it once, beside its English, with its symbol."
    markdown, problems = ["".join(c["source"]) for c in cells(path, "markdown")], []
    found = [term for text in markdown for term in CHINESE.findall(text)]
    problems += [f"{t} is not in nbs/glossary.csv" for t in sorted(set(found) - set(GLOSSARY["中文"]))]
    problems += [f"{t} stands here {found.count(t)} times, once is enough" for t in sorted(set(found)) if found.count(t) > 1]
    for row in GLOSSARY[GLOSSARY.chapter == path.stem].itertuples(index=False, name=None):
        english, chinese, symbol, section, _ = row
        place = [text for text in markdown if chinese in CHINESE.findall(text)]
        if not place:
            problems.append(f"{english} ({chinese}) is introduced here, says the glossary, and does not stand here")
        elif (said := english.partition(" (")[0].lower()) not in place[0].lower():       # "bias (parameter)": what stands in brackets tells two apart
            problems.append(f"{chinese} stands without its English {said!r}: {place[0][:80]!r}")
        if symbol and symbol.strip("$") not in "".join(markdown):
            problems.append(f"{english}: its symbol {symbol} does not stand here")
        if section and section not in "".join(markdown):
            problems.append(f"{english}: its section {section} does not stand here")
    assert not problems, "\n".join(problems)


def exercises(path):
    "Number and level of the exercises of a chapter, and the numbers of its answers."
    text = "\n".join("".join(c["source"]) for c in cells(path, "markdown")).partition("## Exercises")[2]
    answers = [n for c in cells(path) for n in re.findall(r"^answer_(\d) = None", "".join(c["source"]), re.M)]
    return re.findall(r"^\*\*(\d)\. (\w+)\.\*\*", text, re.M), answers


@by_chapter
def test_exercises(path):
    "At least four, on three levels, numbered, each with one cell for its answer, each solved in the solutions."
    found, answers = exercises(path)
    numbers, levels = [n for n, _ in found], {level for _, level in found}
    assert len(found) >= 4, f"{len(found)} exercises"
    assert numbers == answers == [str(n + 1) for n in range(len(found))], (numbers, answers)
    assert {"Predict", "Change"} <= levels <= {"Predict", "Change", "Prove", "Build"} and levels & {"Prove", "Build"}, levels
    solutions = cells(path.parent / "solutions" / path.name, "markdown")
    solved = [n for c in solutions for n in re.findall(r"^## (\d)\.", "".join(c["source"]), re.M)]
    assert solved == numbers, f"solved: {solved}"


def test_version_is_said_once():
    import interest_tutorial
    assert f"version = {interest_tutorial.__version__}" in (ROOT / "settings.ini").read_text(encoding="utf-8")


def test_import_is_instant():
    "The package loads nothing; no module loads TensorFlow, Keras or pyplot."
    modules = [p.stem for p in MODULES]
    code = (
        "import sys, interest_tutorial\n"
        "assert not {'numpy', 'pandas', 'tensorflow', 'sklearn'} & set(sys.modules), 'import interest_tutorial'\n"
        "import importlib\n"
        f"for m in {modules}:\n"
        "    importlib.import_module('interest_tutorial.' + m)\n"
        "    heavy = {'tensorflow', 'keras', 'matplotlib.pyplot'} & set(sys.modules)\n"
        "    assert not heavy, (m, heavy)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_the_maps_agree():
    "README and 01_course name the same sections of the article for each chapter."
    course = dict(re.findall(r"^\| \[?(\d\d_\w+)(?:\]\(\S+\))? \|[^|]*\|([^|]*)\|$", "\n".join("".join(c["source"]) for c in cells(ROOT / "nbs/01_course.ipynb", "markdown")), re.M))
    readme = dict(re.findall(r"^\| \[(\d\d_\w+)\]\(\S+\) \|[^|]*\|([^|]*)\|[^|]*\|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M))
    assert set(course) == set(readme) == {p.stem for p in CHAPTERS}
    differ = {c: (course[c], readme[c]) for c in course if course[c].strip("- ") != readme[c].strip("- ")}
    assert not differ, differ
