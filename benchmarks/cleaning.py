"""What each kind of dirt costs the article's model, before and after cleaning; kept in nbs/results/cleaning.csv. And how fast cleaning is.

    python benchmarks/cleaning.py              # 20 worlds: about six minutes on two cores
    python benchmarks/cleaning.py speed        # seconds to clean 100,000 events
"""
import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from results import keep  # noqa: E402

from interest_tutorial.behaviour import BehaviourLog  # noqa: E402
from interest_tutorial.cleaning import KINDS, add_dirt, clean  # noqa: E402
from interest_tutorial.features import behaviour_features, split_by_time  # noqa: E402
from interest_tutorial.world import make_world  # noqa: E402

SEED, WORLDS, STARTS, SHARE, BATCH = 5000, 20, 5, 0.1, 32
COLUMNS = ["data", "learner", "model", "repetition", "split", "metric", "value", "low", "high", "n_rows", "n_users"]
CODE = ["benchmarks/cleaning.py"] + [f"interest_tutorial/{m}.py" for m in ("world", "cleaning", "features", "encoding", "dense", "training")]


def hurried(log):
    "What a hurried person does so that the features accept a dirty log: incomplete rows go, events are numbered anew, what is out of range is clipped."
    e = log.events.dropna(subset=["user_id", "item_id", "time", "interested"]).sort_values("time", kind="stable", ignore_index=True)
    e = e.assign(event_id=range(len(e)), device=e.device.astype("category")).astype({"user_id": "int64", "item_id": "int64", "interested": "int8"})
    if "feedback_time" in e:
        e = e.assign(feedback_time=e[["time", "feedback_time"]].max(axis=1))
    items = log.items.drop_duplicates("item_id")
    return BehaviourLog(e, items.assign(price=items.price.clip(lower=0.01)), log.users.assign(age=log.users.age.clip(0, 149)))


def parts(log, truth):
    "Training rows of a log, in whole batches, and the test rows of the clean log with features from this log's past."
    from interest_tutorial.encoding import FeatureEncoder
    split = split_by_time(truth.events)
    test, F = truth.events.iloc[split.test], behaviour_features(log)
    rows = np.flatnonzero(log.events.time < truth.events.time[split.validation[0]])
    rows = rows[len(rows) % BATCH:]
    encoder = FeatureEncoder().fit(F.iloc[rows])
    return (encoder.transform(F.iloc[rows]), log.events.interested.to_numpy()[rows]), \
        (encoder.transform(behaviour_features(log, test.drop(columns="interested"))), test.interested.to_numpy())


def scores(y, p):
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
    return {"log_loss": log_loss(y, p), "auc": roc_auc_score(y, p), "accuracy": accuracy_score(y, p > 0.5)}


def arms(world, kinds=None):
    "Names and logs to learn from: clean, each kind of dirt alone and all at once, hurried and cleaned."
    truth = make_world(seed=world).log
    yield "clean", truth, truth
    for name, some in [(k, [k]) for k in KINDS] + [("all", KINDS)]:
        if kinds is None or name in kinds:
            dirty, _ = add_dirt(truth, world, share=SHARE, kinds=some)
            yield f"{name}, dirty", hurried(dirty), truth
            yield f"{name}, cleaned", clean(dirty)[0], truth


def dense(data, seeds):
    "Mean scores of the article's model over training seeds, for each data set; equal data sets are trained on once, and equal shapes share a program."
    from interest_tutorial.dense import dense_model
    from interest_tutorial.training import repeat
    known = {}
    unique = {(key, tuple(seeds[name])): (train, test, seeds[name]) for name, (key, train, test) in data.items()}
    for width in sorted({train[0].shape[1] for train, _, _ in unique.values()}):
        jobs = sorted(((len(v[0][1]), k) for k, v in unique.items() if v[0][0].shape[1] == width), key=lambda j: (j[0], str(j[1])))
        queue = [(k, seed) for _, k in jobs for seed in unique[k][2]]
        now, out = iter(queue), []

        def each(seed, model, *_):
            key = queue[len(out)][0]
            X, y = unique[key][1]
            out.append(scores(y, np.asarray(model(X), float)[:, 0]))
        repeat(lambda: dense_model(width), lambda seed: {"train": unique[next(now)[0]][0]}, [seed for _, seed in queue], each=each, xla=True, progress=False)
        table = pd.DataFrame(out, [i for i, (k, _) in enumerate(queue)]).assign(key=[k for k, _ in queue])
        known |= {k: g.drop(columns="key").mean().to_dict() for k, g in table.groupby("key", sort=False)}
    return {name: known[key, tuple(seeds[name])] for name, (key, _, _) in data.items()}


def costs(worlds, kinds=None, starts=STARTS):
    "Scores of both learners on the same clean test rows of each world, for every arm."
    from sklearn.linear_model import LogisticRegression
    data, seeds, rows = {}, {}, []
    for world in worlds:
        for name, log, truth in arms(world, kinds):
            train, test = parts(log, truth)
            data[world, name] = (hash(tuple(a.tobytes() for a in (*train, *test))), train, test)
            seeds[world, name] = [1_000 * world + k for k in range(starts)]
            p = LogisticRegression(max_iter=2_000).fit(train[0].astype(float), train[1]).predict_proba(test[0].astype(float))[:, 1]
            rows += [("logistic", world, name, scores(test[1], p))]
        data[world, "other starts"], seeds[world, "other starts"] = data[world, "clean"], [1_000 * world + 500 + k for k in range(starts)]
        print(f"world {world}: {len(data)} data sets so far", file=sys.stderr)
    rows += [("dense", world, name, value) for (world, name), value in dense(data, seeds).items()]
    test = {world: split_by_time(make_world(seed=world).log.events).test for world in worlds}
    users = {world: make_world(seed=world).log.events.user_id.iloc[test[world]].nunique() for world in worlds}
    out = [("world", learner, name, world - SEED, "test", m, v, len(test[world]), users[world]) for learner, world, name, value in rows for m, v in value.items()]
    return pd.DataFrame(out, columns=[c for c in COLUMNS if c not in ("low", "high")])


def speed():
    "Seconds to clean 100,000 events, clean ones and dirty ones."
    log = make_world(n_users=1_000, n_items=2_000, n_events=100_000).log
    for name, one in (("clean", log), ("dirty", add_dirt(log)[0])):
        best = min(timed(clean, one) for _ in range(5))
        print(f"{name}: {len(one.events):,} events in {best:.2f} s")


def timed(function, *arguments):
    began = time.process_time()
    function(*arguments)
    return time.process_time() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="table", choices=["table", "speed"])
    if parser.parse_args().what == "speed":
        sys.exit(speed())
    worlds = list(range(SEED, SEED + WORLDS))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        table = pd.concat(pool.map(costs, [worlds[0::2], worlds[1::2]]))
    table = table.sort_values("repetition", kind="stable", ignore_index=True)
    keep("cleaning", table.reindex(columns=COLUMNS), "python benchmarks/cleaning.py", CODE, seeds=[SEED, SEED + WORLDS - 1], training_starts=STARTS, share=SHARE,
         tolerance={"dense": 0.015, "logistic": 0.001})
