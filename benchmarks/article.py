"""The article's model beside its rivals: 20 worlds, 20 worlds of ten times the events, MovieLens; kept in nbs/results.

    python benchmarks/article.py                    # all three, about ten minutes on two cores
    python benchmarks/article.py article            # one of them: article, article_80000, movielens (reads INTEREST_TUTORIAL_DATA)

benchmarks/pictures.py draws the README's figure from them.
"""
import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from results import keep  # noqa: E402

SEED, WORLDS, DRAWS = 5000, 20, 2_000
COLUMNS = ["data", "model", "repetition", "split", "metric", "value", "low", "high", "n_rows", "n_users"]
CODE = ["benchmarks/article.py"] + [f"interest_tutorial/{m}.py" for m in ("world", "features", "encoding", "dense", "training", "cli")]


def article():
    "The command's own table of 20 worlds."
    from interest_tutorial.cli import main
    arguments = ["run", "--seed", str(SEED), "--repetitions", str(WORLDS)]
    with tempfile.TemporaryDirectory() as folder:
        if main([*arguments, "--output", folder]):
            sys.exit(1)
        return pd.read_csv(Path(folder) / "table.csv"), dict(arguments=arguments, seeds=[SEED, SEED + WORLDS - 1])


def trained(task_of, seeds):
    "What the command does, on other tasks: all scores, and the predictions of each repetition."
    from interest_tutorial.cli import _fit_dense, _predict, _score
    scores, predictions = [], []

    def each(task, seed, model):
        predictions.append(_predict(task, model, seed))
        scores.append(_score(task, predictions[-1], len(scores)))
        print(f"{len(scores)} of {len(seeds)}", file=sys.stderr)
    _fit_dense(task_of, seeds, 10, lambda epochs=1: None, each)
    return pd.concat(scores, ignore_index=True), predictions


def article_80000():
    "Ten times the events, users and items grown in step."
    from interest_tutorial.cli import _summary, _task
    from interest_tutorial.world import make_world
    size = dict(n_users=1_000, n_items=2_000, n_events=80_000)

    def task_of(seed):
        world = make_world(**size, seed=seed)
        return _task("world", world.log, world.truth)
    scores, _ = trained(task_of, range(SEED, SEED + WORLDS))
    return pd.concat([scores, _summary(scores).assign(repetition="mean")]), size | dict(seeds=[SEED, SEED + WORLDS - 1])


def movielens():
    "20 training seeds on MovieLens; differences with an interval from training seeds crossed with a bootstrap over users."
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
    from interest_tutorial.cli import _prepare
    task = _prepare("movielens", 0)
    scores, predictions = trained(lambda seed: task, range(20))
    metrics = {"accuracy": lambda y, p, w: accuracy_score(y, p > 0.5, sample_weight=w), "auc": lambda y, p, w: roc_auc_score(y, p, sample_weight=w),
               "log_loss": lambda y, p, w: log_loss(y, p, sample_weight=w)}
    rng, rows = np.random.default_rng(0), []
    for part in ("test", "test_warm", "test_cold"):
        at = task.parts[part]
        y = task.log.events.interested.to_numpy()[at]
        user, users = pd.factorize(task.log.events.user_id.iloc[at])

        def differences(p, w):
            p = {name: p[name][at] for name in ("dense", "logistic", "boosted_trees")}
            values = {(name, m): f(y, p[name], w) for name in p for m, f in metrics.items()}
            return {(rival, m): values["dense", m] - values[rival, m] for rival in ("logistic", "boosted_trees") for m in metrics}
        whole = pd.DataFrame([differences(p, np.ones(len(y))) for p in predictions]).mean()
        drawn = []
        while len(drawn) < DRAWS:
            count = np.bincount(rng.integers(len(users), size=len(users)), minlength=len(users))
            if len(np.unique(y[count[user] > 0])) == 2:
                drawn.append(differences(predictions[rng.integers(len(predictions))], count[user].astype(float)))
        low, high = pd.DataFrame(drawn).quantile(0.025), pd.DataFrame(drawn).quantile(0.975)
        rows += [("movielens", f"dense - {rival}", "difference", part, m, whole[rival, m], low[rival, m], high[rival, m], len(y), len(users)) for rival, m in whole.index]
    return pd.concat([scores, pd.DataFrame(rows, columns=COLUMNS)]), dict(seeds=[0, 19], draws=DRAWS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="*", help="article, article_80000, movielens; default: all")
    arguments, makers = parser.parse_args(), {f.__name__: f for f in (article, article_80000, movielens)}
    for name in arguments.table:
        if name not in makers:
            parser.error(f"{name} is no table, give some of {', '.join(makers)}")
    for name in arguments.table or makers:
        table, made = makers[name]()
        keep(name, table.reindex(columns=COLUMNS), f"python benchmarks/article.py {name}", CODE, **made, tolerance={"dense": 0.015, "dense in another order of batches": 0.05, "others": 0.01})
