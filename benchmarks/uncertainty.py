"""How often 95 % intervals hold the truth, and how long they take.

    python benchmarks/uncertainty.py            # the table nbs/results/coverage.csv: a quarter of an hour on two cores
    python benchmarks/uncertainty.py speed      # 2,000 resamples of 100,000 rows against a loop over scikit-learn
"""
import argparse
import multiprocessing
import os
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from results import keep  # noqa: E402

from interest_tutorial import uncertainty  # noqa: E402

WORLD, SIZE = 7, dict(n_users=20_000, n_items=2_000, n_events=1_600_000)
USERS, REPETITIONS, DRAWS, METRICS = (30, 100, 1_000), 1_000, 2_000, ("log_loss", "auc", "accuracy")
CODE = ["benchmarks/uncertainty.py"] + [f"interest_tutorial/{m}.py" for m in ("world", "features", "encoding", "logistic", "uncertainty")]


def population():
    "Labels, users and the predictions of two fixed models on the last fifth of a large world, sorted by user: everything is known."
    from sklearn.ensemble import HistGradientBoostingClassifier
    from interest_tutorial.encoding import FeatureEncoder
    from interest_tutorial.features import behaviour_features, split_by_time
    from interest_tutorial.logistic import fit_logistic, sigmoid
    from interest_tutorial.world import make_world
    world = make_world(**SIZE, seed=WORLD)
    events, F, split = world.log.events, behaviour_features(world.log), split_by_time(world.log.events)
    train, test = split.train[-100_000:], split.test[np.argsort(events.user_id.to_numpy()[split.test], kind="stable")]
    encoder = FeatureEncoder().fit(F.iloc[train])
    X, X_test, y = encoder.transform(F.iloc[train]), encoder.transform(F.iloc[test]), events.interested.to_numpy()
    w = fit_logistic(X, y[train], l2=1e-3)
    with warnings.catch_warnings():
        trees = HistGradientBoostingClassifier(random_state=0).fit(X, y[train]).predict_proba(X_test)[:, 1]
    return y[test] == 1, sigmoid(w[0] + X_test @ w[1:]), trees, np.unique(events.user_id.to_numpy()[test], return_inverse=True)[1]


def statistics(y, logistic, trees, user, n_users):
    "What is estimated: three metrics of one model, and of the difference between two."
    for name, p, q in (("logistic", logistic, None), ("trees - logistic", trees, logistic)):
        for metric in METRICS:
            kind = uncertainty._AUC if metric == "auc" else uncertainty._Mean
            yield name, metric, kind(y, user, n_users, metric, p, q)


def half_widths(rows, by_user, n_users, seed):
    "Half width of each method's intervals for the statistics; the percentile bootstrap gives its two ends."
    from scipy.stats import norm
    z, n = norm.ppf(0.975), len(rows[0].influence())
    out = {"rows": [z * np.sqrt((s.influence()**2).sum() * n / (n - 1)) for s in rows]}
    errors = uncertainty._errors(by_user, n_users)
    out["users, normal"] = z * errors
    moved, t = uncertainty._drawn(by_user, errors, n_users, DRAWS, seed)
    out["users, bootstrap t"] = errors * np.quantile(t, 0.95, axis=0, method="higher")
    out["users, bootstrap t, all at once"] = errors * np.quantile(t.max(1), 0.95, method="higher")
    return out, np.nanquantile(moved, [0.025, 0.975], axis=0)


def covered(job):
    "Whether each method's interval holds the truth in each of the repetitions, on new samples of users."
    n_users, repetitions, data, truth = job
    y, logistic, trees, user = data
    start = np.flatnonzero(np.r_[True, user[1:] != user[:-1]])
    count, out = np.diff(np.r_[start, len(y)]), []
    for repetition in repetitions:
        rng = np.random.default_rng([n_users, repetition])
        drawn = rng.integers(len(start), size=n_users)
        at = np.concatenate([np.arange(start[k], start[k] + count[k]) for k in drawn])
        sample = y[at], logistic[at], trees[at]
        every = list(statistics(*sample, np.arange(len(at)), len(at)))
        by_user = [s for *_, s in statistics(*sample, np.repeat(np.arange(n_users), count[drawn]), n_users)]
        half, (low, high) = half_widths([s for *_, s in every], by_user, n_users, repetition)
        off = np.array([s.value for s in by_user]) - truth
        hits = {method: np.abs(off) <= h for method, h in half.items()}
        hits["users, percentile"] = (off + low <= 0) & (0 <= off + high)
        width = half | {"users, percentile": (high - low) / 2}
        for method, hit in hits.items():
            out += [(n_users, repetition, method, name, metric, h, 2 * w) for (name, metric, _), h, w in zip(every, hit, width[method])]
    return pd.DataFrame(out, columns=["n_users", "repetition", "method", "model", "metric", "holds", "width"])


def coverage():
    "Share of the repetitions in which the interval holds the truth, with its own 95 % interval."
    from scipy.stats import beta
    data = population()
    truth = np.array([s.value for *_, s in statistics(*data[:3], data[3], data[3].max() + 1)])
    jobs = [(n, range(k, min(k + 25, REPETITIONS)), data, truth) for n in USERS for k in range(0, REPETITIONS, 25)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        runs = []
        for run in pool.imap(covered, jobs):
            runs.append(run)
            print(f"{len(runs)} of {len(jobs)}", file=sys.stderr, end="\r")
    runs = pd.concat(runs)
    joint = runs[runs.method.str.endswith("all at once")].groupby(["n_users", "repetition", "method"], as_index=False).agg(holds=("holds", "all"), width=("width", "mean"))
    runs = pd.concat([runs, joint.assign(model="both", metric="all six")])
    out = runs.groupby(["n_users", "method", "model", "metric"], sort=False).agg(coverage=("holds", "mean"), repetitions=("holds", "size"), width=("width", "mean")).reset_index()
    k = out.coverage * out.repetitions
    out["low"], out["high"] = beta.ppf(0.025, k, out.repetitions - k + 1), beta.ppf(0.975, k + 1, out.repetitions - k)
    known = {(name, metric): value for (name, metric, _), value in zip(statistics(*data[:3], data[3], data[3].max() + 1), truth)}
    out["truth"] = [known.get((m, k)) for m, k in zip(out.model, out.metric)]
    out["high"] = out.high.fillna(1)
    return out, dict(world=WORLD, **SIZE, draws=DRAWS, repetitions=REPETITIONS, rows=len(data[0]), users=int(data[3].max()) + 1,
                     tolerance=dict(coverage=0.003, width=0.001, truth=0.001))


def speed():
    "Log loss, AUC and accuracy with intervals: ours, and weights for each resample handed to scikit-learn."
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
    rng, n, n_users, loops = np.random.default_rng(0), 100_000, 1_000, 20
    user = rng.integers(n_users, size=n)
    z = rng.normal(size=n) + rng.normal(size=n_users)[user]
    y, p, q = rng.random(n) < 1 / (1 + np.exp(-z)), np.round(1 / (1 + np.exp(-z + rng.normal(size=n))), 3).clip(0.001, 0.999), rng.random(n)
    for name, call in (("evaluate", lambda: uncertainty.evaluate(y, p, user)), ("compare", lambda: uncertainty.compare(y, p, q, user))):
        took = []
        for _ in range(5):
            began = time.perf_counter()
            call()
            took.append(time.perf_counter() - began)
        print(f"{name}: {np.median(took):.2f} s (of 5 runs {min(took):.2f} to {max(took):.2f})")
        began = time.perf_counter()
        for w in uncertainty._resampled(n_users, loops, 0)[:, user]:
            for model in (p,) if name == "evaluate" else (p, q):
                log_loss(y, model, sample_weight=w), roc_auc_score(y, model, sample_weight=w), accuracy_score(y, model > 0.5, sample_weight=w)
        loop = (time.perf_counter() - began) / loops * DRAWS
        print(f"  a loop over scikit-learn: {loop:.0f} s for 2,000 resamples ({loops} measured), {loop / np.median(took):.0f} times as long")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="coverage", choices=["coverage", "speed"])
    if parser.parse_args().what == "speed":
        speed()
    else:
        table, made = coverage()
        keep("coverage", table, "python benchmarks/uncertainty.py", CODE, **made)
        print(table[table.metric != "all six"].pivot_table(index=["n_users", "method"], columns=["model", "metric"], values="coverage", sort=False).round(3).to_string())
        print(table[table.metric == "all six"].to_string())
