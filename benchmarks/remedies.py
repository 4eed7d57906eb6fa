"""Every remedy against overfitting beside the article's call: 20 worlds, 20 worlds of ten times the events, MovieLens; strengths tuned elsewhere.

    python benchmarks/remedies.py                     # the three tables, about an hour on two cores
    python benchmarks/remedies.py remedies            # one of them: remedies, remedies_80000, remedies_movielens (reads INTEREST_TUTORIAL_DATA)
    python benchmarks/remedies.py remedies_speed      # seconds of the plain call and 14 remedies on 20 worlds, and what Keras's fit would have needed
"""
import argparse
import multiprocessing
import os
import sys
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from results import keep  # noqa: E402

SEED, WORLDS, TUNING_SEED, DRAWS = 5000, 20, 100, 5_000
LARGE = dict(n_users=1_000, n_items=2_000, n_events=80_000)
CODE = ["benchmarks/remedies.py"] + [f"interest_tutorial/{m}.py" for m in ("world", "features", "encoding", "dense", "training", "overfitting", "remedies")]
COLUMNS = ["data", "model", "repetition", "split", "metric", "value", "low", "high", "n_rows", "n_users"]
LONGEST_FIRST = ["ensemble", "longer and deeper", "longer", "more data", "early stopping", "mixup", "dropout", "counters and dropout", "noise", "feature dropout", "label flips", "deeper"]
FAST = ["plain", "learning rate", "L1", "L2", "weight decay", "dropout", "batch norm", "label smoothing", "noise", "feature dropout", "label flips", "early stopping", "smaller", "deeper", "session counters"]


@lru_cache(maxsize=None)
def of_world(seed, large=False):
    from interest_tutorial.remedies import remedy_data
    from interest_tutorial.world import make_world
    return remedy_data(make_world(**LARGE if large else {}, seed=seed), seed)


@lru_cache(maxsize=None)
def films(seed=0):
    from interest_tutorial.behaviour import load_movielens
    from interest_tutorial.remedies import remedy_data
    return remedy_data(load_movielens())


DATA = {"remedies": ("world", of_world, range(SEED, SEED + WORLDS), 10), "remedies_80000": ("world of 80,000", lambda seed: of_world(seed, True), range(SEED, SEED + WORLDS), 3),
        "remedies_movielens": ("movielens", lambda seed: films(), range(20), 3)}


def tuned_and_compared(task):
    "One remedy: its strength from the tuning seeds, its scores from the reported ones, its probabilities of the test rows."
    table, name = task
    from interest_tutorial.remedies import compare_remedies, tune_remedies
    label, data, seeds, tuning = DATA[table]
    began, p = time.perf_counter(), []
    tuned = tune_remedies(data, range(TUNING_SEED, TUNING_SEED + tuning), names=[name])
    strength = tuned.strength[tuned.chosen].item()
    scores = compare_remedies(data, seeds, strengths={name: strength}, names=[name], label=label, each=lambda name, seed, found: p.append(found["test"].astype("float32")))
    print(f"{table}, {name}: strength {strength}, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return name, tuned, scores, np.stack(p) if table == "remedies_movielens" else None


def in_processes(function, tasks):
    "Results of all tasks from two processes of one thread each."
    os.environ.update(dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1"))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return pool.map(function, tasks, chunksize=1)


def in_order(names, first=LONGEST_FIRST):
    return sorted(names, key=lambda name: first.index(name) if name in first else len(first))


def crossed(p, scores, log):
    "Differences from 'plain', and from 'learning rate', with intervals of one training and new test users: training seeds crossed with a bootstrap over users, all of a part and baseline at once."
    from interest_tutorial.uncertainty import _pairs
    from interest_tutorial.features import split_by_time
    events, rng, out = log.events, np.random.default_rng(0), []
    at = split_by_time(events).test
    user, y = events.user_id.to_numpy()[at], events.interested.to_numpy()[at] == 1
    warm = np.isin(user, events.user_id.to_numpy()[:at[0]])
    train = scores.query("split == 'train' and metric == 'log_loss'").pivot(index="model", columns="repetition", values="value")
    for part, rows in (("test", slice(None)), ("test_warm", warm), ("test_cold", ~warm)):
        u, users = pd.factorize(user[rows])
        n, yes = len(users), y[rows]
        sums = lambda v: np.bincount(u, v, n)
        size, pos, neg = sums(np.ones(len(u))), sums(yes), sums(~yes)
        take = rng.integers(n, size=(DRAWS, n)) + n * np.arange(DRAWS)[:, None]
        W = np.vstack([np.ones(n), np.bincount(take.ravel(), minlength=DRAWS * n).reshape(DRAWS, n)]).astype(float)
        W = W[(W @ pos > 0) & (W @ neg > 0)]
        seed = rng.integers(len(next(iter(p.values()))), size=len(W))
        values = {}
        for name, q in p.items():
            loss, auc, right = [], [], []
            for k in range(len(q)):
                v = q[k][rows].astype(float)
                loss.append(W @ sums(-np.log(np.clip(np.where(yes, v, 1 - v), 1e-7, 1))) / (W @ size))
                right.append(W @ sums((v > 0.5) == yes) / (W @ size))
                auc.append(((W @ _pairs(yes, v, u, n)) * W).sum(1) / ((W @ pos) * (W @ neg)))
            gap = np.stack(loss) - train.loc[name].to_numpy()[:, None]
            values[name] = {m: np.stack(v) for m, v in (("log_loss", loss), ("auc", auc), ("accuracy", right), ("gap", gap))}
        for baseline in ("plain", "learning rate"):                                            # a family of intervals each
            keys = [(name, m) for name in p if name not in ("plain", baseline) for m in (("log_loss", "auc", "accuracy", "gap") if part == "test" else ("log_loss", "auc", "accuracy"))]
            d = np.stack([values[name][m] - values[baseline][m] for name, m in keys])          # (keys, seeds, draws)
            mean, drawn = d[:, :, 0].mean(1), d[:, seed[1:], np.arange(1, len(W))]
            error = drawn.std(1)
            t = np.abs(drawn - drawn.mean(1, keepdims=True)) / np.where(error > 0, error, 1)[:, None]
            half = error * np.quantile(t.max(0), 0.95)
            out += [("movielens", f"{name} - {baseline}", "mean", part, m, a, a - h, a + h, len(u), n) for (name, m), a, h in zip(keys, mean, half)]
    return pd.DataFrame(out, columns=COLUMNS)


def table_of(name):
    "Scores of every repetition, and for MovieLens the differences; the strengths that were tried."
    from interest_tutorial.remedies import remedies
    from interest_tutorial.uncertainty import verdicts
    names = [n for n in remedies() if name != "remedies_movielens" or n != "more data"]
    done = {found[0]: found[1:] for found in in_processes(tuned_and_compared, [(name, n) for n in in_order(names)])}
    tuned, scores = (pd.concat([done[n][k] for n in names], ignore_index=True) for k in (0, 1))
    label, _, seeds, tuning = DATA[name]
    made = dict(seeds=[seeds[0], seeds[-1]], tuning_seeds=[TUNING_SEED, TUNING_SEED + tuning - 1], tolerance=dict(plain=0.015, others=0.05),
                strengths=dict(zip(tuned.model[tuned.chosen], tuned.strength[tuned.chosen])), tuning=tuned.round(5).to_dict("list"))
    scores = scores[(scores.split == "test") | (scores.metric == "log_loss")]
    if name == "remedies_movielens":
        from interest_tutorial.behaviour import load_movielens
        differences = crossed({n: done[n][2] for n in names}, scores, load_movielens())
        scores = pd.concat([scores[scores.split.isin(["train", "test"])], differences.assign(verdict=verdicts(differences))])
        made["draws"] = DRAWS
    return scores.drop(columns=[c for c in scores if scores[c].isna().all()]), made


def one_remedy(name):
    "Seconds of this remedy on all worlds, at the middle strength."
    from interest_tutorial.remedies import compare_remedies
    before, cpu = time.perf_counter(), time.process_time()
    compare_remedies(of_world, range(SEED, SEED + WORLDS), names=[name])
    return name, time.perf_counter() - before, time.process_time() - cpu


def one_fit(name):
    "Seconds of one training by Keras's fit, at the middle strength, on the first world."
    from interest_tutorial.remedies import remedies
    remedy, parts = remedies()[name], of_world(SEED)
    strength = remedy.strengths[len(remedy.strengths) // 2]
    training, (X, y) = remedy.training(strength), parts[remedy.rows]["train"]
    import tensorflow as tf
    rows = tf.data.Dataset.from_tensor_slices((X, y.astype("float32").to_numpy() if hasattr(y, "to_numpy") else y.astype("float32"))).shuffle(len(y)).batch(32)
    training.pop("xla", None)
    if augment := training.pop("augment", None):
        seeds = tf.random.Generator.from_seed(0)
        rows = rows.map(lambda a, b: augment(a, b, seeds.uniform((2,), maxval=2**31 - 1, dtype="int32")))
    model = remedy.build(X.shape[1], strength)
    before = time.perf_counter()
    model.fit(rows, epochs=training.pop("epochs", 10), validation_data=parts[remedy.rows]["validation"] if training else None, verbose=0, **training)
    return time.perf_counter() - before


def speed():
    "Wall-clock seconds of two processes, and the sum of the processes' own seconds; fit measured once for each remedy."
    began = time.perf_counter()
    found = pd.DataFrame(in_processes(one_remedy, in_order(FAST)), columns=["model", "seconds", "cpu_seconds"])
    whole = time.perf_counter() - began
    print(found.round(1).to_string(), f"\n{len(FAST)} remedies x {WORLDS} worlds: {whole:.0f} s on two processes", flush=True)
    found["fit_seconds"] = in_processes(one_fit, list(found.model))
    print(f"{found.cpu_seconds.sum():.0f} s of processor;"
          f" by fit {found.fit_seconds.sum() * WORLDS / 2:.0f} s on two processes, extrapolated from one training each")
    return found, dict(wall_seconds=round(whole, 1), worlds=WORLDS, processes=2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="*", choices=[[], *DATA, "remedies_speed"], help="default: the three tables of remedies")
    for name in parser.parse_args().table or DATA:
        table, made = speed() if name == "remedies_speed" else table_of(name)
        keep(name, table, f"python benchmarks/remedies.py {name}", CODE, **made)
