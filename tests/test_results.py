"""The kept tables: a row computed again, and what the README says of them."""
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

from interest_tutorial.cli import main

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "nbs/results/article.csv"


def test_one_world_of_the_article_table_again(tmp_path):
    made = json.loads(TABLE.with_suffix(".json").read_text(encoding="utf-8"))
    kept = pd.read_csv(TABLE, dtype={"repetition": str})
    assert main(["run", "--seed", str(made["seeds"][0]), "--output", str(tmp_path)]) == 0
    again = pd.read_csv(tmp_path / "table.csv", dtype={"repetition": str})
    keys = ["model", "split", "metric"]
    both = again.merge(kept[kept.repetition == "0"], on=keys, suffixes=("", "_kept"), validate="1:1")
    assert len(both) == len(again) == 6 * 3 * 3
    off = (both.value - both.value_kept).abs()
    dense = both.model == "dense"
    print(f"largest distance: Dense {off[dense].max():.6f}, others {off[~dense].max():.6f}")
    assert off[dense].max() < made["tolerance"]["dense"] and off[~dense].max() < made["tolerance"]["others"]


def test_what_the_readme_says_of_it():
    test = pd.read_csv(TABLE).query("split == 'test' and repetition != 'mean'")
    value = test.pivot(index=["metric", "repetition"], columns="model", values="value")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for metric, sentence in (("accuracy", "ahead of logistic regression by {} in accuracy"), ("log_loss", "in log loss nothing is shown ({}")):
        d = value.loc[metric].dense - value.loc[metric].logistic
        half = t.ppf(0.975, len(d) - 1) * d.std() / np.sqrt(len(d))
        assert len(d) == 20 and (d.mean() > half) == (metric == "accuracy")
        said = sentence.format(f"{d.mean():.3f} ± {half:.3f}")
        print(said)
        assert said in readme
