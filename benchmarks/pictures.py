"""The README's two pictures, drawn from the kept tables in a few seconds.

    python benchmarks/pictures.py
"""
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from interest_tutorial.course import look, set_style
from interest_tutorial.uncertainty import compare_repetitions, plot_forest

ROOT = Path(__file__).resolve().parents[1]
RESULTS, IMAGES = ROOT / "nbs/results", ROOT / "nbs/images"
MODELS = {"base_rate": ("base rate", "base rate"), "logistic": ("logistic regression", "logistic regression"), "boosted_trees": ("boosted trees", "boosted trees"),
          "dense": ("Dense", "Dense 128-64-1 (the article)"), "p_best": ("p_best", "ceiling p_best: all but the mood"), "p": ("p", "ceiling p: all there is to know")}


def ladder():
    "A line per model: every world a small dot, the mean a large mark with its 95 % interval."
    table = pd.read_csv(RESULTS / "article.csv").query("split == 'test'")
    mean, worlds = table[table.repetition == "mean"], table[table.repetition != "mean"]
    fig = Figure(figsize=(11, 4.2))
    axes = fig.subplots(1, 2, sharey=True)
    rng = np.random.default_rng(0)
    for ax, metric, title in zip(axes, ("accuracy", "log_loss"), ("accuracy (higher is better)", "log loss (lower is better)")):
        for row, (name, (known, _)) in enumerate(MODELS.items()):
            style = look(known) | {"linestyle": "none"}
            dots = worlds.query("model == @name and metric == @metric").value
            ax.scatter(dots, row + rng.uniform(-0.18, 0.18, len(dots)), s=14, color=style["color"], alpha=0.35, linewidths=0)
            m = mean.query("model == @name and metric == @metric").iloc[0]
            ax.errorbar(m.value, row, xerr=[[m.value - m.low], [m.high - m.value]], ms=9, lw=3, **style)
            ax.annotate(f"{m.value:.3f}", (m.value, row), xytext=(0, 11), textcoords="offset points", ha="center", color=style["color"], weight="bold",
                        bbox=dict(boxstyle="square,pad=0.1", fc="white", ec="none"))
        ax.set(title=title, xlabel=f"test rows of {worlds.repetition.nunique()} worlds", ylim=(-0.6, len(MODELS) - 0.25))
        ax.grid(axis="x", alpha=0.25)
    axes[0].axvline(0.78, color="black", ls=":", lw=2)
    axes[0].annotate("the article\nreports 0.78", (0.78, 0), xytext=(8, -4), textcoords="offset points", fontsize=12)
    axes[0].set_yticks(range(len(MODELS)), [label for _, label in MODELS.values()])
    return fig


def remedies():
    "Log loss of every remedy minus the article's call, and minus the same network with a tuned learning rate, over 20 worlds."
    scores = pd.read_csv(RESULTS / "remedies.csv", dtype={"repetition": str}).query("split == 'test'")      # all metrics: one family, as in 61
    fig = Figure(figsize=(11, 7))
    axes = fig.subplots(1, 2, sharey=True)
    found = {"plain": compare_repetitions(scores, "plain"), "learning rate": compare_repetitions(scores[scores.model != "plain"], "learning rate")}
    for baseline, lines in found.items():
        found[baseline] = lines[lines.metric == "log_loss"].assign(model=lambda t: t.model.str.removesuffix(f" - {baseline}")).set_index("model")
    order = found["plain"].value.sort_values().index
    for ax, (baseline, lines), title in zip(axes, found.items(), ("minus the article's call", "minus the call with a tuned learning rate")):
        plot_forest(lines.reindex(order).assign(metric="log_loss").fillna({"verdict": ""}).reset_index(), ax, margin=0.005)
        ax.set(title=title, xlabel="log loss, difference (left is better)", xlim=(-0.13, 0.13))
        ax.get_legend().remove()
        far = lines.value.idxmax()
        ax.annotate(f"{lines.value[far]:.2f}", (0.128, -order.get_loc(far)), ha="right", va="center", fontsize=12, color="#D55E00")
    labels = {label: (handle, label) for ax in axes for handle, label in zip(*ax.get_legend_handles_labels()) if label}
    fig.legend(*zip(*labels.values()), loc="outside lower center", ncols=4)
    return fig


if __name__ == "__main__":
    set_style()
    IMAGES.mkdir(exist_ok=True)
    for draw in (ladder, remedies):
        draw().savefig(IMAGES / f"{draw.__name__}.png", dpi=110, pil_kwargs={"optimize": True})
