"""The article's model on 20 worlds: the command's table, kept in nbs/results, and the README's figure.

    python benchmarks/article.py            # about five minutes on two cores
    python benchmarks/article.py --draw     # only the figure, from the kept table
"""
import argparse
import json
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from results import code_hash  # noqa: E402

SEED, WORLDS = 5000, 20
TABLE, FIGURE = ROOT / "nbs/results/article.csv", ROOT / "nbs/images/ladder.png"
CODE = ["benchmarks/article.py"] + [f"interest_tutorial/{m}.py" for m in ("world", "features", "encoding", "dense", "cli")]
MODELS = {"base_rate": "base rate", "logistic": "logistic regression", "boosted_trees": "boosted trees", "dense": "Dense 128-64-1 (the article)",
          "p_best": "ceiling: all but the mood", "p": "ceiling: all there is to know"}


def measure():
    "Run the command on 20 worlds and keep its table."
    from interest_tutorial.cli import main
    arguments = ["run", "--seed", str(SEED), "--repetitions", str(WORLDS)]
    with tempfile.TemporaryDirectory() as folder:
        if main([*arguments, "--output", folder]):
            sys.exit(1)
        table = pd.read_csv(Path(folder) / "table.csv")
    TABLE.parent.mkdir(exist_ok=True)
    table.round(6).to_csv(TABLE, index=False)
    made = dict(command="python benchmarks/article.py", arguments=arguments, seeds=[SEED, SEED + WORLDS - 1], code=CODE, code_hash=code_hash(CODE),
                tolerance={"dense": 0.05, "others": 0.01}, versions={p: version(p) for p in ("tensorflow", "keras", "scikit-learn", "numpy", "pandas")} | {"python": platform.python_version()})
    TABLE.with_suffix(".json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def draw():
    "A line per model: every world a small dot, the mean a large one with its 95 % interval."
    import numpy as np
    from matplotlib.figure import Figure
    from interest_tutorial.course import set_style
    set_style()
    table = pd.read_csv(TABLE).query("split == 'test'")
    mean, worlds = table[table.repetition == "mean"], table[table.repetition != "mean"]
    fig = Figure(figsize=(11, 4.2))
    axes = fig.subplots(1, 2, sharey=True)
    rng = np.random.default_rng(0)
    for ax, metric, title in zip(axes, ("accuracy", "log_loss"), ("accuracy (higher is better)", "log loss (lower is better)")):
        for row, name in enumerate(MODELS):
            color = "#D55E00" if name == "dense" else "#009E73" if name.startswith("p") else "#0072B2"
            dots = worlds.query("model == @name and metric == @metric").value
            ax.scatter(dots, row + rng.uniform(-0.18, 0.18, len(dots)), s=14, color=color, alpha=0.35, linewidths=0)
            m = mean.query("model == @name and metric == @metric").iloc[0]
            ax.errorbar(m.value, row, xerr=[[m.value - m.low], [m.high - m.value]], fmt="D" if name == "dense" else "o", color=color, ms=9, lw=3)
            ax.annotate(f"{m.value:.3f}", (m.value, row), xytext=(0, 11), textcoords="offset points", ha="center", color=color, weight="bold",
                        bbox=dict(boxstyle="square,pad=0.1", fc="white", ec="none"))
        ax.set(title=title, xlabel=f"test rows of {WORLDS} worlds", ylim=(-0.6, len(MODELS) - 0.25))
        ax.grid(axis="x", alpha=0.25)
    axes[0].axvline(0.78, color="black", ls=":", lw=2)
    axes[0].annotate("the article\nreports 0.78", (0.78, 0), xytext=(8, -4), textcoords="offset points", fontsize=12)
    axes[0].set_yticks(range(len(MODELS)), list(MODELS.values()))
    FIGURE.parent.mkdir(exist_ok=True)
    fig.savefig(FIGURE, dpi=110, pil_kwargs={"optimize": True})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", action="store_true", help="only draw the figure from the kept table")
    if not parser.parse_args().draw:
        measure()
    draw()
