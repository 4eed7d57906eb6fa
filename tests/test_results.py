"""The kept tables: rows computed again, and what the README says of them."""
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t
from sklearn.metrics import log_loss

from interest_tutorial.cli import _fit_dense, _predict, _prepare, _rivals, _score, _task, main
from interest_tutorial.dense import dense_model
from interest_tutorial.training import by_part, repeat
from interest_tutorial.world import make_world
import results

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "nbs/results"


def kept(name):
    "A table and how it was made."
    return pd.read_csv(RESULTS / f"{name}.csv", dtype={"repetition": str}), json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def agree(name, again, models, parts):
    "Repetition 0 of a kept table equals what was computed again, within the tolerance that was stored with it."
    table, made = kept(name)
    both = again.merge(table[table.repetition == "0"], on=["model", "split", "metric"], suffixes=("", "_kept"), validate="1:1")
    assert len(both) == len(again) == models * parts * 3
    off = (both.value - both.value_kept).abs()
    dense = both.model == "dense"
    print(f"largest distance: Dense {off[dense].max():.6f}, others {off[~dense].max():.6f}")
    assert (off[dense] < made["tolerance"]["dense"]).all() and off[~dense].max() < made["tolerance"]["others"]


def test_one_world_of_the_article_table_again(tmp_path):
    _, made = kept("article")
    assert main(["run", "--seed", str(made["seeds"][0]), "--output", str(tmp_path)]) == 0
    agree("article", pd.read_csv(tmp_path / "table.csv").drop(columns="repetition"), 6, 3)


def test_one_world_of_ten_times_the_events_again():
    _, made = kept("article_80000")
    world, again = make_world(**{k: made[k] for k in ("n_users", "n_items", "n_events")}, seed=made["seeds"][0]), []
    task = _task("world", world.log, world.truth)
    _fit_dense(lambda seed: task, made["seeds"][:1], 10, lambda epochs=1: None, lambda task, seed, model: again.append(_score(task, _predict(task, model, seed), 0)))
    agree("article_80000", again[0].drop(columns="repetition"), 6, 3)


def test_the_rivals_on_movielens_again(movielens):
    task = _prepare("movielens", 0)
    agree("movielens", _score(task, _rivals(task, 0), 0).drop(columns="repetition"), 3, 5)


def test_one_seed_of_the_equivalence_again():
    table, made = kept("equivalence")
    task, again = _prepare("world", 0), []
    parts = by_part(task.split, task.X, task.log.events.interested)
    seed = made["seeds"][0]
    repeat(lambda: dense_model(task.X.shape[1]), {"train": parts["train"]}, [seed], epochs=made["epochs"],
           each=lambda seed, model, *_: again.append(log_loss(parts["test"][1], np.asarray(model(parts["test"][0]), float)[:, 0])))
    assert abs(again[0] - table.query("model == 'Dense' and seed == @seed").engine.item()) < made["margin"]


def test_what_the_readme_says_of_it():
    test = kept("article")[0].query("split == 'test' and repetition != 'mean'")
    value = test.pivot(index=["metric", "repetition"], columns="model", values="value")
    readme, said = (ROOT / "README.md").read_text(encoding="utf-8"), []
    for metric, sentence in (("accuracy", "gains {} in accuracy"), ("log_loss", "loses {} in log loss")):
        d = value.loc[metric].dense - value.loc[metric].logistic
        half = t.ppf(0.975, len(d) - 1) * d.std() / np.sqrt(len(d))
        assert len(d) == 20 and (d.mean() > half) == (metric == "accuracy") and 0 < d.mean() < half + 0.005          # beyond the margin nothing is shown
        said.append(sentence.format(f"{d.mean():.3f} ± {half:.3f}"))
        mean = value.loc[metric].mean()
        said.append(f"{(mean.dense - mean.base_rate) / (mean.p_best - mean.base_rate):.0%}".replace("%", " %") + {"accuracy": " of the way in accuracy", "log_loss": " in log loss"}[metric])
    print(said)
    assert all(s in readme for s in said)
    large = kept("article_80000")[0].query("split == 'test' and repetition != 'mean'").pivot(index=["metric", "repetition"], columns="model", values="value")
    for metric, sign in (("accuracy", 1), ("log_loss", -1)):
        d = sign * (large.loc[metric].dense - large.loc[metric].logistic)
        assert d.mean() - t.ppf(0.975, len(d) - 1) * d.std() / np.sqrt(len(d)) > 0.005, "ahead in both, says the README"


def test_what_the_readme_says_of_the_remedies():
    from interest_tutorial.uncertainty import compare_repetitions
    scores = kept("remedies")[0].query("split == 'test'")
    words = {b: compare_repetitions(scores[(scores.model != "plain") | (b == "plain")], b).query("metric == 'log_loss'").set_index("model").verdict.rename(lambda m: m.removesuffix(f" - {b}")) for b in ("plain", "learning rate")}
    print(words)
    beyond, harm = {"session counters", "counters and dropout", "more data"}, {"longer", "deeper", "longer and deeper"}
    assert set(words["learning rate"].index[words["learning rate"] == "better"]) == beyond and set(words["learning rate"].index[words["learning rate"] == "worse"]) == harm
    assert set(words["plain"].index[words["plain"] == "worse"]) == harm and (words["plain"].drop([*beyond, *harm]) == "better").mean() > 0.5


def test_fit_and_engine_end_with_the_same_log_loss():
    "The kept pairs of 20 seeds: equivalent within the margin, also with dropout."
    table, made = kept("equivalence")
    assert list(dict.fromkeys(table.model)) == ["Dense", "Dense, dropout 0.3"] and (table.groupby("model").seed.nunique() == 20).all()
    for name, g in table.groupby("model"):
        d = g.engine - g.fit
        half = t.ppf(0.975, len(d) - 1) * d.std() / np.sqrt(len(d))
        print(f"{name}: engine minus fit {d.mean():+.5f} ± {half:.5f}")
        assert abs(d.mean()) + half < made["margin"]


def test_words_and_moves_do_not_make_a_table_stale(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "ROOT", tmp_path)

    def hashed(text):
        (tmp_path / "a.py").write_text(text, encoding="utf-8")
        return results.code_hash(["a.py"])
    plain = hashed('def f(x):\n    return x + " # 1"\n')
    assert plain == hashed('"""A module."""\n\ndef f(x):  # a number\n    """Its successor,\n    in words."""\n    # so\n    return x + " # 1"\n')
    assert hashed("a = 1\n\n@g\ndef f():\n    pass\n") == hashed("@g\ndef f():\n    pass\na = 1\n") != hashed("@h\ndef f():\n    pass\na = 1\n")
    assert plain != hashed('def f(x):\n    return x + " # 2"\n') and plain != hashed('def f(x):\n    return x + 1\n')
