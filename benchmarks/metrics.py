"""Repair of probabilities over 20 worlds: fitted on validation rows, judged on test rows; kept in nbs/results/recalibration.csv. By hand: python benchmarks/metrics.py (about a minute)"""
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from results import keep  # noqa: E402

SEED, WORLDS = 5000, 20
CODE = ["benchmarks/metrics.py"] + [f"interest_tutorial/{m}.py" for m in ("world", "logistic", "features", "encoding", "dense", "training", "metrics", "cli")]
COSTS = {"cost_fp": (4, 1), "cost_fn": (1, 4)}              # of a wrong show and of a missed interest


def cost(true, q, threshold, c_fp, c_fn):
    "Expected cost per row of showing rows with q > threshold, if `true` are the chances of interest."
    return float(np.where(q > threshold, c_fp * (1 - true), c_fn * true).mean())


def scores(y, p, true, split):
    "Every metric on the test rows: of p as it is, repaired by either map, and (costs only) with the threshold that is cheapest on the validation rows."
    from interest_tutorial.logistic import log_loss, logit
    from interest_tutorial.metrics import auc, brier, confusion, recalibrate
    v, t = split.validation, split.test
    out = {}
    for name in ("raw", "platt", "isotonic"):
        q = p[t] if name == "raw" else recalibrate(y[v], p[v], name)(p[t])
        out[name] = dict(log_loss=log_loss(y[t], logit(q)), auc=auc(y[t], q), **brier(y[t], q)[["brier", "ece"]])
        out[name] |= {c: cost(true[t], q, c_fp / (c_fp + c_fn), c_fp, c_fn) for c, (c_fp, c_fn) in COSTS.items()}
    every = confusion(y[v], p[v], None)
    out["threshold"] = {c: cost(true[t], p[t], (c_fp * every.fp + c_fn * every.fn).idxmin(), c_fp, c_fn) for c, (c_fp, c_fn) in COSTS.items()}
    return out


def main():
    from interest_tutorial.cli import _fit_dense, _predict, _prepare
    rows = []

    def each(task, seed, model):
        y, true = task.log.events.interested.to_numpy(), task.truth.p.to_numpy()
        users = task.log.events.user_id.iloc[task.split.test].nunique()
        for name, p in _predict(task, model, seed).items():
            if name in ("logistic", "boosted_trees", "dense", "p_best"):
                for repair, values in scores(y, p, true, task.split).items():
                    rows.extend((task.name, f"{name}, {repair}", str(seed - SEED), "test", metric, value, np.nan, np.nan, len(task.split.test), users) for metric, value in values.items())
        print(f"{seed - SEED + 1} of {WORLDS}", file=sys.stderr)
    _fit_dense(lambda seed: _prepare("world", seed), range(SEED, SEED + WORLDS), 10, lambda epochs=1: None, each)
    table = pd.DataFrame(rows, columns=["data", "model", "repetition", "split", "metric", "value", "low", "high", "n_rows", "n_users"])
    # tolerances of Brier scores: inputs changed in the seventh digit moved the network's by up to 0.0016, its gain from Platt's map by up to 0.0005
    keep("recalibration", table, "python benchmarks/metrics.py", CODE, seeds=[SEED, SEED + WORLDS - 1], costs=COSTS,
         tolerance={"dense": 0.004, "dense_gain": 0.001, "others": 1e-4})


if __name__ == "__main__":
    main()
