"""Write README.md from nbs/index.ipynb, with relative links that work from the repository's root."""
import re
import sys
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[1]


def readme(root=ROOT):
    "The text that README.md must have."
    notebook = nbformat.read(root / "nbs" / "index.ipynb", as_version=4)
    notebook.metadata["language_info"] = {"name": "python"}            # nbdev_clean drops it; the exporter asks for it
    text, _ = MarkdownExporter().from_notebook_node(notebook)
    text = re.sub(r"\]\((?!https?:|#|mailto:)(?:\./)?([^)]+)\)", _link, text)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _link(match):
    "A link relative to nbs/ as one relative to the root."
    target = match[1]
    return f"]({target[3:]})" if target.startswith("../") else f"](nbs/{target})"


if __name__ == "__main__":
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")
    print("README.md written", file=sys.stderr)
