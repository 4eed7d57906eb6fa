"""Every chapter in a real JupyterLab: it opens, Restart and Run All finishes, what should be seen is seen, an exercise can be solved."""
import json
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "nbs").glob("[0-9]*.ipynb"))
SHOTS = Path(__file__).parent / "screenshots"
SCREENS = {"laptop": (1366, 768), "projector": (1920, 1080)}
SECONDS = 240                                            # for a whole run, on a machine that is busy
ANSWERS = {                                              # to the first exercise of each chapter, as one would type them
    "00_start": "0.67", "01_course": "10.7", "10_behaviour": "[(0, 0), (1, 0), (1, 0), (3, 2)]", "11_world": "0.215", "20_logistic": "0.5",
    "30_cleaning": "5", "31_features": "10", "32_encoding": "0.25", "40_dense": "39", "41_training": "(1.02, 8.5)",
    "50_metrics": "{'auc', 'user_auc', 'avg_precision'}", "51_uncertainty": "(0.71, 0.87, 0.71)", "52_validation": "35_160",
    "60_overfitting": "0.77", "61_remedies": "(64, 1)", "99_cli": "(0.55, 0.5)"}

# What the page shows, cell by cell: its kind, number, formulas, diagrams, figures, errors and what stands on stderr.
READ = """() => [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell')].map(cell => {
    const all = selector => [...cell.querySelectorAll(selector)], loaded = img => img.complete && img.naturalWidth > 0
    const text = cell.querySelector('.jp-RenderedMarkdown')?.cloneNode(true)
    text?.querySelectorAll('code, pre, mjx-container').forEach(e => e.remove())
    return {code: cell.classList.contains('jp-CodeCell'), prompt: cell.querySelector('.jp-InputPrompt')?.textContent ?? '',
            formulas: all('mjx-container').length, broken: all('mjx-merror, [data-mjx-error]').length, text: text?.textContent ?? '',
            diagrams: all('.jp-RenderedMermaid img').filter(loaded).length,
            figures: all('.jp-OutputArea-output img').filter(loaded).length,
            error: all('[data-mime-type="application/vnd.jupyter.error"]').map(e => e.textContent)[0] ?? '',
            stderr: all('[data-mime-type="application/vnd.jupyter.stderr"]').map(e => e.textContent)[0] ?? ''}})"""


def source(cell):
    return "".join(cell["source"])


def expected(cells):
    "What the page must show, from the file: for each cell its formulas (at least one or none), diagrams and figures."
    for cell in cells:
        text, outputs = source(cell), cell.get("outputs", [])
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
        yield {"code": cell["cell_type"] == "code", "formula": cell["cell_type"] == "markdown" and bool(re.search(r"\$[^$]+\$", prose)),
               "diagrams": text.count("```mermaid") if cell["cell_type"] == "markdown" else 0,
               "figures": sum("image/png" in o.get("data", {}) for o in outputs)}


def restart_and_run_all(page, address, lab):
    """As a reader does it: open, wait for the kernel, restart and run all from the menu, with the dialog confirmed.

    A kernel that is still busy with its start can lose the restart; then close its session and open the notebook anew, at most three times."""
    for attempt in range(1, 4):
        page.goto(address)
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=90_000)
        deadline = time.monotonic() + 60
        while not all(k["execution_state"] == "idle" and k["connections"] for k in page.request.get(lab("api/kernels")).json()) and time.monotonic() < deadline:
            page.wait_for_timeout(200)
        page.wait_for_timeout(2000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Restart Kernel and Run All Cells…").click()
        page.locator(".jp-Dialog .jp-mod-accept").click()
        try:
            page.wait_for_function("() => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')].some(p => p.textContent === '[1]:')", timeout=60_000)
            return attempt
        except TimeoutError:
            close_sessions(page, lab)
    raise AssertionError("Restart Kernel and Run All Cells was clicked three times, and no cell ran")


def close_sessions(page, lab):
    "Shut down the kernels of this server."
    for session in page.request.get(lab("api/sessions")).json():
        page.request.delete(lab(f"api/sessions/{session['id']}"))


def wait_for_the_end(page, n_code):
    "Until the last code cell has its number, or an error stands on the page."
    page.wait_for_function("""n => document.querySelector('[data-mime-type="application/vnd.jupyter.error"]') ||
        [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')].at(-1)?.textContent === `[${n}]:`""",
                           arg=n_code, timeout=SECONDS * 1000)


def compare(page, cells):
    "The differences between the page and what it must show, one line each."
    seen, wanted = page.evaluate(READ), list(expected(cells))
    if len(seen) != len(wanted):
        yield f"{len(seen)} cells on the page, {len(wanted)} in the file"
    count = 0
    for n, (s, w) in enumerate(zip(seen, wanted)):
        count += w["code"]
        where = f"cell {n} ({source(cells[n])[:50]!r})"
        if w["code"] and s["prompt"] != f"[{count}]:":
            yield f"{where}: number {s['prompt']!r}, expected [{count}]:"
        for kind in ("diagrams", "figures"):
            if s[kind] != w[kind]:
                yield f"{where}: {s[kind]} {kind} on the page, expected {w[kind]}"
        if w["formula"] and not s["formulas"]:
            yield f"{where}: no formula is rendered"
        if s["broken"] or (not w["code"] and re.search(r"\$\$|\\(?:frac|sum|theta|sigma|log|mathbb)", s["text"])):
            yield f"{where}: a formula is broken"
        for kind in ("error", "stderr"):
            if s[kind]:
                yield f"{where}: {kind}: {s[kind][-1500:]}"


def look(page, name):
    "Pictures of the first figure, diagram and exercise at the size of a laptop and of a projector; what is wider than its column is reported."
    for screen, (width, height) in SCREENS.items():
        page.set_viewport_size({"width": width, "height": height})
        for what, selector in {"figure": ".jp-OutputArea-output img", "diagram": ".jp-RenderedMermaid img", "exercise": "#exercise"}.items():
            element = page.query_selector(f".jp-Notebook {selector}")
            if not element:
                continue
            element.scroll_into_view_if_needed()
            page.wait_for_timeout(300)
            page.screenshot(path=SHOTS / f"{name}-{screen}-{what}.png")
        cut = page.evaluate("""() => { const column = document.querySelector('.jp-WindowedPanel-outer, .jp-Notebook').getBoundingClientRect().right
            return [...document.querySelectorAll('.jp-OutputArea-output img, .jp-RenderedMermaid img')].filter(i => i.getBoundingClientRect().right > column + 1).length }""")
        if cut:
            yield f"{screen}: {cut} figures are wider than the screen"


def solve(page, answer, number=1):
    "Type an answer in the place of None, run the cell, and read what it prints."
    cell = page.locator(".jp-Notebook .jp-CodeCell").filter(has_text=re.compile(rf"answer_{number} = None")).first
    assert "not yet" in cell.locator(".jp-OutputArea").inner_text()
    cell.evaluate("cell => cell.id = 'exercise'")                # for its picture
    cell.locator(".cm-line").first.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text(f"answer_{number} = {answer}")
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("""n => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')].some(c =>
        c.querySelector('.cm-content').textContent.includes(`answer_${n} = `) && c.querySelector('.jp-OutputArea')?.textContent.trim() === 'right')""",
                           arg=number, timeout=60_000)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_chapter(path, lab, browser, record_property):
    SHOTS.mkdir(exist_ok=True)
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    n_code = sum(c["cell_type"] == "code" for c in cells)
    context = browser.new_context(viewport=dict(zip(("width", "height"), SCREENS["laptop"])))
    page = context.new_page()
    try:
        if (attempt := restart_and_run_all(page, lab(f"lab/tree/{path.name}"), lab)) > 1:
            record_property("tries until the restart took", attempt)
        wait_for_the_end(page, n_code)
        page.wait_for_timeout(1000)
        seen = page.evaluate(READ)
        for kind in ("formulas", "diagrams", "figures"):
            record_property(kind, sum(c[kind] for c in seen))
        problems = list(compare(page, cells))
        assert not problems, "\n".join(problems)
        solve(page, ANSWERS[path.stem])
        problems = list(look(page, path.stem))
        assert not problems, "\n".join(problems)
    except Exception:
        page.screenshot(path=SHOTS / f"{path.stem}-failed.png")
        raise
    finally:
        close_sessions(page, lab)                          # before the next one starts
        context.close()
