"""How long ten epochs of the article's network take: Keras's `fit`, `fit` tuned, scikit-learn's MLP, the engine cold and each further repetition.

    python benchmarks/training.py                 # the three sizes, about ten minutes on two cores
    python benchmarks/training.py 5120x21         # one of them
    python benchmarks/training.py --equivalence   # 20 seeds: test log loss after `fit` and after the engine, with and without dropout

Each method runs in a process of its own on the same rows; the time to import libraries is left out. Tables are kept in nbs/results.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from results import keep  # noqa: E402

SIZES = ("5120x21", "16000x24", "160000x24")
METHODS = {"fit": "fit", "fit_tuned": "fit, 50 steps per execution, XLA", "mlp": "scikit-learn MLPClassifier", "engine_graph": "engine, xla=False", "engine": "engine", "engine_cached": "engine, XLA's cache kept on disk"}
EPOCHS, REPETITIONS = 10, 4
CODE = ["benchmarks/training.py", "interest_tutorial/dense.py", "interest_tutorial/training.py"]


def rows_of(size):
    "Rows with a signal that a network can find and logistic regression cannot."
    n, d = map(int, size.split("x"))
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)).astype("float32")
    return X, (rng.random(n) < 1 / (1 + np.exp(-X[:, 0] - X[:, 1] * X[:, 2]))).astype("int8")


def peak():
    "Largest memory of this process so far, MiB."
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform != "darwin" else 1024) / 1024


def network(d, dropout=0.0):
    import keras
    from interest_tutorial.dense import dense_model
    if not dropout:
        return dense_model(d)
    L = keras.layers
    model = keras.Sequential([L.Input((d,)), L.Dense(128, "relu"), L.Dropout(dropout), L.Dense(64, "relu"), L.Dropout(dropout), L.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def measure(method, size):
    "Seconds when each epoch ended and when each repetition ended, in this process."
    X, y = rows_of(size)
    ends, repetitions = [], []
    if method == "mlp":
        from sklearn.neural_network import MLPClassifier
        before, began = peak(), time.perf_counter()
        model = MLPClassifier((128, 64), batch_size=32, random_state=0)
        for _ in range(EPOCHS):                             # an epoch of `fit`, without its test for convergence
            model.partial_fit(X, y, classes=[0, 1])
            ends.append(time.perf_counter() - began)
        return dict(ends=ends, repetitions=[ends[-1]] * 2, peak=peak() - before)
    from interest_tutorial.course import load_tensorflow
    from interest_tutorial.training import repeat
    tf = load_tensorflow()
    import keras
    tf.matmul(tf.ones((8, 8)), tf.ones((8, 8)))             # threads are up
    before, began = peak(), time.perf_counter()
    epoch_end = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter() - began))
    if method.startswith("fit"):
        model = network(X.shape[1])
        if method == "fit_tuned":
            model.compile("adam", "binary_crossentropy", metrics=["accuracy"], steps_per_execution=50, jit_compile=True)
        model.fit(X, y, batch_size=32, epochs=EPOCHS, verbose=0, callbacks=[epoch_end])
        repetitions = [ends[-1]] * 2                        # each further training is a new model and costs the same
    else:
        repeat(lambda: network(X.shape[1]), {"train": (X, y)}, range(REPETITIONS), epochs=EPOCHS, xla=False if method == "engine_graph" else None, callbacks=[epoch_end], each=lambda *done: repetitions.append(time.perf_counter() - began))
    return dict(ends=ends, repetitions=repetitions, peak=peak() - before)


def in_a_process(method, size, environment=None):
    done = subprocess.run([sys.executable, __file__, "--measure", method, size], capture_output=True, text=True, env=os.environ | (environment or {}))
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def speed(sizes):
    "A table of all methods on these sizes."
    rows = []
    for size in sizes:
        n, d = map(int, size.split("x"))
        for method in METHODS:
            if method == "engine_cached":
                with tempfile.TemporaryDirectory() as folder:
                    cache = {"TF_XLA_FLAGS": f"--tf_xla_persistent_cache_directory={folder}"}
                    in_a_process(method, size, cache)       # fills the cache
                    m = in_a_process(method, size, cache)
            else:
                m = in_a_process(method, size)
            ends, done = np.array(m["ends"]), m["repetitions"]
            rows.append((n, d, method, ends[0], np.median(np.diff(ends[:EPOCHS])), done[0], (done[-1] - done[0]) / (len(done) - 1) or done[0], m["peak"]))
        table = pd.DataFrame(rows, columns=["rows", "features", "method", "first_epoch_s", "epoch_s", "fit10_s", "repetition_s", "peak_mib"])
        part = table[table.rows == n].set_index("method")
        shown = part.assign(cold=part.fit10_s["fit"] / part.fit10_s, further=part.fit10_s["fit"] / part.repetition_s)
        shown.index = [METHODS[m] for m in shown.index]
        print(f"\n{n:,} rows x {d} features, {EPOCHS} epochs; cold, further: how many times faster than fit\n" + shown.drop(columns=["rows", "features"]).round(3).to_string(), flush=True)
    e = table.set_index(["rows", "method"])
    for n in sorted(set(table.rows)):
        fit, engine, mlp = (e.loc[(n, m)] for m in ("fit", "engine", "mlp"))
        second = engine.fit10_s + engine.repetition_s
        print(f"{n:>9,} rows: cold {fit.fit10_s / engine.fit10_s:.1f} times faster than fit (target 6), further {fit.fit10_s / engine.repetition_s:.1f} (target 25), "
              f"two repetitions {second:.2f} s, of the MLP {2 * mlp.fit10_s:.2f} s")
    return table, dict(epochs=EPOCHS, repetitions=REPETITIONS)


def equivalence():
    "Test log loss of 20 seeds on the default world: `fit` and engine from the same weights, in the same batch order."
    from interest_tutorial.course import load_tensorflow
    load_tensorflow()
    import keras
    from interest_tutorial.cli import _prepare
    from interest_tutorial.training import by_part, repeat
    from sklearn.metrics import log_loss
    task = _prepare("world", 0)
    parts = by_part(task.split, task.X, task.log.events.interested)
    (X, y), (X_test, y_test), rows = parts["train"], parts["test"], []
    score = lambda model: log_loss(y_test, np.asarray(model(X_test), float)[:, 0])
    for name, dropout in (("Dense", 0.0), ("Dense, dropout 0.3", 0.3)):
        build, engine = (lambda: network(X.shape[1], dropout)), []
        repeat(build, {"train": (X, y)}, range(20), epochs=EPOCHS, each=lambda seed, model, parts, history: engine.append(score(model)))
        for seed in range(20):
            keras.utils.set_random_seed(seed)
            model, order = build(), np.random.default_rng(seed)
            for _ in range(EPOCHS):
                at = order.permutation(len(y))
                order.integers(2**31)
                model.fit(X[at], y[at], batch_size=32, epochs=1, shuffle=False, verbose=0)
            rows.append((name, seed, score(model), engine[seed]))
            print(*rows[-1], flush=True)
    table = pd.DataFrame(rows, columns=["model", "seed", "fit", "engine"])
    from scipy.stats import t
    for name, g in table.groupby("model", sort=False):
        d = g.engine - g.fit
        half = t.ppf(0.975, len(d) - 1) * d.std() / len(d) ** 0.5
        print(f"{name}: engine minus fit {d.mean():+.5f} ± {half:.5f}, largest {d.abs().max():.5f}: {'equivalent' if abs(d.mean()) + half < 0.005 else 'not shown to be equivalent'} within 0.005")
    return table, dict(epochs=EPOCHS, seeds=[0, 19], margin=0.005)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", nargs="*", choices=[[], *SIZES], help="rows x features; default: all three, and the table is kept")
    parser.add_argument("--equivalence", action="store_true")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
    elif arguments.equivalence:
        table, made = equivalence()
        keep("equivalence", table, "python benchmarks/training.py --equivalence", CODE, **made)
    else:
        table, made = speed(arguments.size or SIZES)
        if not arguments.size:
            keep("training", table, "python benchmarks/training.py", CODE, **made)
