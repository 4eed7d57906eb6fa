"""The article's network on 20 worlds: log loss over epochs, width, depth and rows; noise, bias and variance over redrawn answers.

    python benchmarks/overfitting.py                # both tables, about ten minutes on two cores
    python benchmarks/overfitting.py curves         # one of them: curves, bias_variance
"""
import argparse
import multiprocessing
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from results import keep  # noqa: E402

SEED, WORLDS, BIAS_WORLDS, REDRAWS, EPOCHS = 5000, 20, 10, 10, 60
WIDTHS, DEPTHS, ROWS = (4, 8, 16, 32, 64, 128, 256, 512), (0, 1, 2, 3, 4, 6, 8), (320, 640, 1280, 2560, 5120, 10240, 20480, 40960)
PROCEDURES = {      # name: hidden layers, epochs, training rows, session counters, trainings whose logits are averaged
    "width 8": ((8, 4), 10, 5120, False, 1), "width 32": ((32, 16), 10, 5120, False, 1), "the article": ((128, 64), 10, 5120, False, 1),
    "width 256": ((256, 128), 10, 5120, False, 1), "40 epochs": ((128, 64), 40, 5120, False, 1), "1,280 rows": ((128, 64), 10, 1280, False, 1),
    "20,480 rows": ((128, 64), 10, 20480, False, 1), "session counters": ((128, 64), 10, 5120, True, 1), "five seeds, mean logit": ((128, 64), 10, 5120, False, 5)}
PARTS = ("train", "validation", "test")
CODE = ["benchmarks/overfitting.py"] + [f"interest_tutorial/{m}.py" for m in ("world", "features", "encoding", "dense", "training", "overfitting")]


def world_of(seed, rows=5120):
    "A default world and its split: with the newest training rows where fewer are wanted, observed more densely where more are."
    from interest_tutorial.features import Split, split_by_time
    from interest_tutorial.overfitting import observe_more
    from interest_tutorial.world import make_world
    world = make_world(seed=seed)
    split = split_by_time(world.log.events)
    if rows > len(split.train):
        return observe_more(world, split, rows // len(split.train), seed)
    return world, Split(split.train[-rows:], split.validation, split.test)


def encoded(log, split, counters=False):
    "Part -> (X, y), encoded with what the training rows know."
    from interest_tutorial.encoding import FeatureEncoder
    from interest_tutorial.features import behaviour_features
    from interest_tutorial.overfitting import session_counters
    from interest_tutorial.training import by_part
    F = behaviour_features(log)
    if counters:
        F = F.join(session_counters(log))
    return by_part(split, FeatureEncoder().fit(F.iloc[split.train]).transform(F), log.events.interested)


def data_of(seed, rows=5120, counters=False):
    world, split = world_of(seed, rows)
    return encoded(world.log, split, counters)


def scores(parts):
    "Log loss, with p cut off at 1e-7 as in training, and accuracy of each part, from its (y, p)."
    for y, p in parts:
        y = np.asarray(y)
        yield from (-np.log(np.clip(np.where(y == 1, p, 1 - p), 1e-7, 1)).mean(), ((p > 0.5) == y).mean())


def predict(model, X):
    return np.concatenate([np.asarray(model(X[i:i + 4096]), float)[:, 0] for i in range(0, len(X), 4096)])


def over_epochs(seeds, epochs=EPOCHS):
    "One training on each world, scored after each epoch, the train rows too."
    from interest_tutorial.dense import dense_model
    from interest_tutorial.training import repeat

    def data(seed):
        parts = data_of(seed)
        return parts | {"again": parts["train"]}
    d = data_of(seeds[0])["train"][0].shape[1]
    h = repeat(lambda: dense_model(d), data, seeds, epochs=epochs, progress=False)
    h = h[h.split != "train"].replace({"split": {"again": "train"}}).pivot(index=["epoch", "seed"], columns=["split", "metric"], values="value")
    return [("epochs", epoch, seed - SEED, *(h.loc[(epoch, seed), (part, m)] for part in PARTS for m in ("loss", "accuracy"))) for epoch, seed in h.index]


def ceilings(seeds):
    "What the true probabilities score on the same rows."
    rows = []
    for seed in seeds:
        world, split = world_of(seed)
        y = world.log.events.interested.to_numpy()
        for k in ("p_blind", "p_best", "p"):
            p = world.truth[k].to_numpy()
            rows.append((k, 0, seed - SEED, *scores((y[at], p[at]) for at in (split.train, split.validation, split.test))))
    return rows


def curve(task):
    "All rows of one curve at one place x: a training on each world, its parts scored afterwards."
    name, x, seeds = task
    print(name, x, file=sys.stderr, flush=True)
    if name in ("epochs", "ceilings"):
        return (over_epochs if name == "epochs" else ceilings)(seeds)
    from interest_tutorial.dense import dense_model
    from interest_tutorial.training import repeat
    hidden = {"width": (x, x // 2), "depth": (64,) * x}.get(name, (128, 64))
    current, rows = {}, []

    def data(seed):
        current.update(data_of(seed, x if name.startswith("rows") else 5120, name == "rows, counters"))
        return {"train": current["train"]}

    def each(seed, model, parts, history):
        rows.append((name, x, seed - SEED, *scores((current[part][1], predict(model, current[part][0])) for part in PARTS)))
    d = data_of(seeds[0], counters=name == "rows, counters")["train"][0].shape[1]
    repeat(lambda: dense_model(d, hidden), data, seeds, each=each, progress=False)
    return rows


def in_processes(function, tasks):
    "The rows of all tasks from two processes of one thread each; put the longest tasks first."
    os.environ.update(dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1"))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return [row for rows in pool.imap(function, tasks, chunksize=1) for row in rows]


def curves():
    "Log loss and accuracy of the three parts."
    places = [("epochs", 0)] + [(name, x) for x in reversed(ROWS) for name in ("rows, counters", "rows")]
    places += [("width", x) for x in reversed(WIDTHS)] + [("depth", x) for x in reversed(DEPTHS)] + [("ceilings", 0)]
    seeds = list(range(SEED, SEED + WORLDS))
    columns = ["curve", "x", "repetition", *(f"{part}_{m}" for part in PARTS for m in ("log_loss", "accuracy"))]
    table = pd.DataFrame(in_processes(curve, [(*place, seeds) for place in places]), columns=columns).round(4)
    return table.sort_values(["curve", "x", "repetition"], kind="stable"), dict(seeds=[SEED, SEED + WORLDS - 1], tolerance=0.01)


def split_loss(task):
    "Noise, bias and variance of one procedure on each world: its answers are redrawn, features computed and the network trained again."
    name, seeds = task
    print(name, file=sys.stderr, flush=True)
    hidden, epochs, n_rows, counters, members = PROCEDURES[name]
    from interest_tutorial.dense import dense_model, forward
    from interest_tutorial.overfitting import bias_variance, redraw_answers
    from interest_tutorial.training import repeat
    worlds, made = {seed: world_of(seed, n_rows) for seed in seeds}, {}
    trainings = [(seed, draw, member) for seed in seeds for draw in range(REDRAWS) for member in range(members)]
    z = {seed: np.zeros((REDRAWS, len(split.test))) for seed, (_, split) in worlds.items()}

    def data(number):
        seed, draw, member = trainings[number]
        if member == 0:
            world, split = worlds[seed]
            made.update(encoded(redraw_answers(world, draw), split, counters))
        return {"train": made["train"]}

    def each(number, model, parts, history):
        seed, draw, _ = trainings[number]
        z[seed][draw] += forward(model.get_weights(), made["test"][0]) / members
    d = data_of(seeds[0], counters=counters)["train"][0].shape[1]
    repeat(lambda: dense_model(d, hidden), data, range(len(trainings)), epochs=epochs, each=each, progress=False)
    rows = []
    for seed, (world, split) in worlds.items():
        found = bias_variance(z[seed], world.truth.p.to_numpy()[split.test])
        rows += [(name, seed - SEED, loss, *values) for loss, values in zip(found.index, found.to_numpy())]
    return rows


def bias_variance():
    "Means over the test rows of each world."
    seeds = list(range(SEED, SEED + BIAS_WORLDS))
    longest_first = ["20,480 rows", "five seeds, mean logit", "40 epochs", *(name for name in reversed(PROCEDURES) if name not in ("20,480 rows", "five seeds, mean logit", "40 epochs"))]
    table = pd.DataFrame(in_processes(split_loss, [(name, seeds) for name in longest_first]), columns=["procedure", "repetition", "loss", "noise", "bias", "variance", "total"])
    table["procedure"] = pd.Categorical(table.procedure, list(PROCEDURES))
    return table.sort_values(["procedure", "loss", "repetition"], kind="stable"), dict(seeds=[SEED, SEED + BIAS_WORLDS - 1], redraws=REDRAWS, tolerance=0.008)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    makers = {"curves": ("overfitting_curves", curves), "bias_variance": ("bias_variance", bias_variance)}
    parser.add_argument("table", nargs="*", choices=[[], *makers], help="default: both")
    for name in parser.parse_args().table or makers:
        file, maker = makers[name]
        table, made = maker()
        keep(file, table, f"python benchmarks/overfitting.py {name}", CODE, **made)
