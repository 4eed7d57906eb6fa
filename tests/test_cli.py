"""The command: bad input, interrupts, closed pipes, files, and every number of its table computed again.

Run with `-s` to read every message."""
import os
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from interest_tutorial import cli
from interest_tutorial.behaviour import read_events
from interest_tutorial.cli import main
from interest_tutorial.features import behaviour_features, split_by_time
from interest_tutorial.world import ceiling, make_world

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals, pipes and terminals of Unix")
COLUMNS = ["data", "model", "repetition", "split", "metric", "value", "low", "high", "n_rows", "n_users"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def world_rows(n=600, seed=1):
    "A world as the rows of a person's CSV file."
    log = make_world(n_users=20, n_items=40, n_events=n, seed=seed).log
    return log.events.drop(columns="propensity").merge(log.items, on="item_id").merge(log.users, on="user_id").sort_values("event_id", ignore_index=True)


def small(n=60, **changed):
    "Rows whose answers alternate, so that every part holds both; `None` leaves a column out."
    columns = dict(user_id=[i % 7 for i in range(n)], item_id=[i % 11 for i in range(n)], time=[1_700_000_000 + 3_600 * i for i in range(n)],
                   interested=[(i // 2) % 2 for i in range(n)]) | changed
    return pd.DataFrame({c: v for c, v in columns.items() if v is not None})


def csv(rows, path="log.csv"):
    "Write what `--data` is to read: a frame, text or bytes."
    if isinstance(rows, pd.DataFrame): rows = rows.to_csv(index=False)
    with open(path, "wb") as f: f.write(rows if isinstance(rows, bytes) else rows.encode())
    return path


def left(folder="."):
    return sorted(os.listdir(folder))


# ---- bad input

def answers(n, ones):
    return [int(i in ones) for i in range(n)]


BAD = {
    # name: (what log.csv holds or None, arguments after `run`, words of the message)
    "epochs 0": (None, ["--epochs", "0"], ["--epochs", "0 is out of range", "1 to 10000"]),
    "epochs huge": (None, ["--epochs", "9" * 30], ["--epochs", "out of range"]),
    "epochs 1.5": (None, ["--epochs", "1.5"], ["--epochs", "1.5 is not a whole number"]),
    "epochs ten": (None, ["--epochs", "ten"], ["--epochs", "ten is not a whole number"]),
    "epochs without value": (None, ["--epochs"], ["--epochs", "expected one argument"]),
    "seed -1": (None, ["--seed", "-1"], ["--seed", "-1 is out of range"]),
    "seed too large": (None, ["--seed", str(2**31)], ["--seed", "out of range"]),
    "repetitions 0": (None, ["--repetitions", "0"], ["--repetitions", "0 is out of range"]),
    "unknown option": (None, ["--model", "large"], ["--model large", "--help"]),
    "shortened option": (None, ["--ep", "3"], ["--ep 3", "--help"]),
    "stray word": (None, ["movielens"], ["movielens", "--help"]),
    "no file": (None, ["--data", "nowhere.csv"], ["nowhere.csv does not exist", "world, movielens or the path"]),
    "a wrong name": (None, ["--data", "MovieLens"], ["MovieLens does not exist"]),
    "data empty": (None, ["--data", ""], ["--data", "is empty, give a name"]),
    "a folder": (None, ["--data", "."], [". is a folder", "give the path of a CSV file"]),
    "name too long": (None, ["--data", "x" * 5000], ["does not exist"]),
    "empty file": ("", [], ["log.csv is empty", "expected a header line"]),
    "header only": ("user_id,item_id,time,interested\n", [], ["log.csv has a header line but no rows"]),
    "not UTF-8": (small().assign(title="Café").to_csv().encode("latin-1"), [], ["log.csv is not UTF-8", "line 2", "save it as UTF-8"]),
    "a binary file": (b"PK\x03\x04\0\0\0", [], ["log.csv is not text", "NUL"]),
    "missing column": (small(interested=None), [], ["log.csv has no column interested", "user_id, item_id, time"]),
    "semicolons": (small().to_csv(sep=";"), [], ["has no column", "separated by commas"]),
    "unparsable time": (small(time=["2026-01-01"] * 59 + ["yesterday"]), [], ["line 61", "'yesterday'", "2026-01-31"]),
    "label 2": (small(interested=[0, 1, 2] * 20), [], ["line 4", "interested is '2'", "expected 0 or 1", "line 61"]),
    "label yes": (small(interested=["yes", "no"] * 30), [], ["interested is 'yes'", "expected 0 or 1"]),
    "label missing": (small(interested=[0, 1, ""] * 20), [], ["line 4", "interested is missing"]),
    "price 0": (small(price=0), [], ["price is '0'", "a positive number"]),
    "one row": (small(1), [], ["log.csv has 1 rows, too few", "at least 20"]),
    "19 rows": (small(19), [], ["log.csv has 19 rows, too few", "at least 20"]),
    "one class": (small(interested=1), [], ["log.csv: all 60 rows have interested = 1", "check the labels"]),
    "one class in training": (small(interested=answers(60, range(40, 60))), [], ["0 of the 38 train rows", "oldest 64 %", "have interested = 1", "longer log"]),
    "one class in validation": (small(interested=answers(60, [1, 2, 3, 50, 51])), [], ["0 of the 10 validation rows", "next 16 %", "have interested = 1"]),
    "one row of a class in test": (small(interested=answers(60, [1, 2, 3, 40, 41, 50])), [], ["1 of the 12 test rows", "newest 20 %", "has interested = 1"]),
    "all at one time": (small(time="2026-01-31 18:05:00"), [], ["log.csv: all 60 rows have the time 2026-01-31 18:05:00", "give the time of each exposure"]),
    "output would replace the log": (small(), ["--data", "logs/../logs/table.csv", "--output", "logs"], ["would replace table.csv", "another folder"]),
    "output is a file": (small(), ["--output", "log.csv"], ["--output log.csv is a file", "give a folder"]),
    "output below a file": (small(), ["--output", "log.csv/below"], ["--output log.csv/below cannot be written to", "another folder"]),
    "output holds a folder": (None, ["--output", "taken"], ["holds a folder named table.csv", "another folder"]),
    "output empty": (None, ["--output", " "], ["--output", "is empty"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name, capsys, monkeypatch):
    rows, arguments, words = BAD[name]
    monkeypatch.setattr(cli, "_fit_dense", None)                      # nothing of this may get as far as the training
    os.makedirs("taken/table.csv"); os.makedirs("logs"); csv(small(), "logs/table.csv")
    if rows is not None: arguments = (["--data", csv(rows)] if "--data" not in arguments else []) + arguments
    before = left()
    code = main(["run", *arguments])
    out, err = capsys.readouterr()
    print(f"{name}: exit code {code}\n{err}")
    assert code == 2 and out == "" and left() == before, "a message, nothing else"
    assert err.startswith("interest-tutorial: ") and err.endswith("\n") and "Traceback" not in err
    lines = err.splitlines()
    assert len(lines) == 1 or (lines[0].endswith("schema:") and all(line.startswith("- ") for line in lines[1:]))
    for word in words: assert word in err
    assert len(err) < 6_000


@pytest.mark.parametrize("argv, word", [([], "required: run"), (["train"], "train"), (["--epochs", "3"], "--help"), (["run", "run"], "run")])
def test_no_or_another_subcommand(argv, word, capsys):
    assert main(argv) == 2
    out, err = capsys.readouterr()
    print(err)
    assert out == "" and word in err and "--help" in err and len(err.splitlines()) == 1


def test_help_and_version(capsys):
    assert main(["--help"]) == main(["--version"]) == main(["run", "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and "interest_tutorial " in out and "user_id, item_id" in out and "130 interrupted" in out


@POSIX
def test_no_permission(capsys, monkeypatch):
    if os.path.isdir("/proc"): assert main(["run", "--output", "/proc/interest_run"]) == 2
    def refuse(*args, **kwargs): raise PermissionError(13, "Permission denied", "somewhere")
    monkeypatch.setattr(cli.tempfile, "TemporaryDirectory", refuse)
    assert main(["run", "--output", "a/b"]) == 2
    err = capsys.readouterr().err
    print(err)
    assert "--output a/b cannot be written to (Permission denied): give another folder" in err and left() == []
    monkeypatch.undo()


def test_file_that_may_not_be_read(capsys, monkeypatch):
    csv(small())
    def refuse(path): raise PermissionError(13, "Permission denied", str(path))
    monkeypatch.setattr(cli.Path, "read_bytes", refuse)
    assert main(["run", "--data", "log.csv"]) == 2
    err = capsys.readouterr().err
    print(err)
    assert "log.csv cannot be read (Permission denied)" in err and left() == ["log.csv"]


def test_movielens_that_cannot_be_fetched(capsys, monkeypatch, tmp_path):
    import pooch
    def refuse(*args, **kwargs): raise ConnectionError("no network")
    monkeypatch.setattr(pooch, "retrieve", refuse)
    monkeypatch.setenv("INTEREST_TUTORIAL_DATA", str(tmp_path / "data"))
    assert main(["run", "--data", "movielens"]) == 2
    out, err = capsys.readouterr()
    print(err)
    for word in ("MovieLens is not in", "files.grouplens.org", "no network", "by hand", "licence"): assert word in err
    assert out == "" and len(err.splitlines()) == 1 and "interest_run" not in left()


def test_a_bug_of_ours_is_not_called_bad_input(monkeypatch):
    csv(small())
    def bug(*args): raise ValueError("a bug")
    monkeypatch.setattr(cli, "_fit_dense", bug)
    with pytest.raises(ValueError, match="a bug"): main(["run", "--data", "log.csv"])
    assert left() == ["log.csv"]


def test_a_loss_that_is_no_number_is_told(capsys, monkeypatch):
    from interest_tutorial import training
    def repeat(*args, **kwargs): raise FloatingPointError("the training loss is nan after epoch 1: look for huge values in X")
    monkeypatch.setattr(training, "repeat", repeat)
    assert main(["run", "--data", csv(small())]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err == "interest-tutorial: --data: the training loss is nan after epoch 1: look for huge values in X\n" and left() == ["log.csv"]


# ---- a stand-in for the network, where the test is about something else

HISTORY = pd.DataFrame([(0, e, s, m, 0.5) for e in (1, 2) for s in ("train", "validation") for m in ("log_loss", "accuracy")], columns=["seed", "epoch", "split", "metric", "value"])


class Stub:
    def __call__(self, X):
        assert X.dtype == np.float32 and X.shape[1] and np.isfinite(X).all()
        return 1 / (1 + np.exp(-X[:, :1]))
    def save(self, path): path.write_text("model")


def without_network(task_of, seeds, epochs, tick, each):
    for seed in seeds: each(task_of(seed), seed, Stub())
    return Stub(), HISTORY


# ---- interrupts and errors leave what was there before

@pytest.mark.parametrize("place", ["_parser", "_load", "_prepare", "_fit_dense", "_rivals", "_score", "_writers", "_curves", "_report", "os.replace"])
def test_interrupt_in_every_phase(place, capsys, monkeypatch):
    def interrupt(*args): raise KeyboardInterrupt
    os.makedirs("old")
    csv("earlier", "old/table.csv"), csv("mine", "old/notes.txt")
    monkeypatch.setattr(cli, "_fit_dense", without_network)
    monkeypatch.setattr(os if "." in place else cli, place.split(".")[-1], interrupt)
    assert main(["run", "--data", csv(small()), "--output", "old"]) == 130
    assert capsys.readouterr() == ("", "interest-tutorial: interrupted\n")
    if place != "_report":
        assert left("old") == ["notes.txt", "table.csv"] and open("old/table.csv").read() == "earlier"
    assert main(["run", "--data", "log.csv", "--output", "new/er"]) == 130 and ("new" in left()) == (place == "_report")
    monkeypatch.undo()


class InADestructor:
    def __del__(self): signal.raise_signal(signal.SIGINT); len("the handler runs before this")


@pytest.mark.parametrize("how", ["swallowed", "in a destructor", "became another error"])
def test_interrupt_that_a_library_does_not_pass_on(how, capsys, monkeypatch):
    def prepare(data, seed):
        try: InADestructor() if how == "in a destructor" else signal.raise_signal(signal.SIGINT); len("")
        except KeyboardInterrupt:
            if how == "became another error": raise ImportError("cannot load")
        return cli._Task("x", None, None, None, None, None, None)
    monkeypatch.setattr(cli, "_prepare", prepare)
    before, hook = signal.signal(signal.SIGINT, signal.default_int_handler), sys.unraisablehook
    try: assert main(["run"]) == 130
    finally: signal.signal(signal.SIGINT, before)
    assert capsys.readouterr() == ("", "interest-tutorial: interrupted\n") and left() == [] and sys.unraisablehook is hook


SCRIPT = """
import sys
from interest_tutorial import cli, course
def spoken(function, word):
    def call(*args): print(word, flush=True); return function(*args)
    return call
cli._parser, course.load_tensorflow = spoken(cli._parser, 'start'), spoken(course.load_tensorflow, 'load')
fit = cli._fit_dense
cli._fit_dense = lambda task_of, seeds, epochs, tick, each: fit(task_of, seeds, epochs, spoken(tick, 'epoch'), each)
sys.exit(cli.main())
"""


@POSIX
@pytest.mark.parametrize("word, wait", [("start", 0.1), ("start", 1.0), ("load", 1.5), ("epoch", 0.2)])
def test_ctrl_c(word, wait):
    "A signal while modules load, while TensorFlow loads, and while the network learns."
    ready = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)      # a background job of a shell would ignore it
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, "run", "--epochs", "10000", "--output", "a/b"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=ready)
    try:
        while (line := process.stdout.readline()) and line.strip() != word: pass
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT) if wait == 1.5 else None              # an impatient one
        out, err = process.communicate(timeout=60)
    finally: process.kill()
    assert (process.returncode, err) == (130, "interest-tutorial: interrupted\n") and left() == [], out


@POSIX
@pytest.mark.parametrize("stdout, code, word", [("closed", 0, ""), ("/dev/full", 2, "could not be printed (No space left on device), it was saved")])
def test_output_that_nobody_takes(stdout, code, word):
    if stdout != "closed" and not os.path.exists(stdout): pytest.skip(f"{stdout} does not exist")
    if stdout == "closed":
        reader, writer = os.pipe()
        os.close(reader)
    else: writer = os.open(stdout, os.O_WRONLY)
    script = "import sys; from interest_tutorial import cli; cli._run = lambda *args: 'row\\n' * 100_000; sys.exit(cli.main(['run']))"
    done = subprocess.run([sys.executable, "-c", script], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    print(done.stderr)
    assert done.returncode == code and word in done.stderr and len(done.stderr.splitlines()) == bool(word)


def test_full_disk(capsys, monkeypatch):
    csv("earlier", "table.csv")
    def full(path): raise OSError(28, "No space left on device", str(path))
    with pytest.raises(cli._Refused, match=r"could not be saved in .* \(No space left on device\): make room"):
        cli._save(cli.Path("."), {"table.csv": lambda p: p.write_text("new"), "encoder.json": full})
    assert left() == ["table.csv"] and open("table.csv").read() == "earlier"


# ---- one run on the default world, looked at from all sides

@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "Folder and process of `interest-tutorial run --epochs 1`, into a folder that holds an older table and something else."
    folder = tmp_path_factory.mktemp("run")
    (folder / "notes.txt").write_text("mine")
    (folder / "table.csv").write_text("earlier")
    done = subprocess.run([sys.executable, "-m", "interest_tutorial", "run", "--epochs", "1", "--output", str(folder)], capture_output=True, text=True, encoding="utf-8")
    return folder, done


def test_run_is_silent_but_for_the_table(run):
    folder, done = run
    assert done.returncode == 0 and done.stderr == "", done.stderr
    for word in ("world: 8,000 events", "ceiling p_best", "the article reports         0.85        0.80        0.78", "one draw", f"Saved in {folder}"): assert word in done.stdout
    assert left(folder) == sorted([*cli._FILES, "notes.txt"]) and (folder / "notes.txt").read_text() == "mine"
    assert (folder / "learning_curve.png").read_bytes().startswith(b"\x89PNG")


def scores(y, p):
    "The three metrics, written again without scikit-learn."
    likes, others = p[y == 1], p[y == 0]
    wins = (likes[:, None] > others).mean() + 0.5 * (likes[:, None] == others).mean()
    clipped = np.clip(p, np.finfo(float).eps, 1 - np.finfo(float).eps)
    return {"accuracy": ((p > 0.5) == y).mean(), "auc": wins, "log_loss": -(y * np.log(clipped) + (1 - y) * np.log(1 - clipped)).mean()}


def test_table_is_that_of_the_predictions(run):
    "All metrics of all models, the ceilings' too, are realised on the same rows."
    table, rows = pd.read_csv(run[0] / "table.csv"), pd.read_csv(run[0] / "predictions.csv")
    assert table.columns.tolist() == COLUMNS and len(table) == 3 * 6 * 3 and table.low.isna().all() and table.high.isna().all()
    assert (table.data == "world").all() and (table.repetition == 0).all()
    value = table.set_index(["split", "model", "metric"]).value.sort_index()
    for split, part in rows.groupby("split"):
        for model in cli._MODELS:
            for metric, v in scores(part.interested.to_numpy(), part[model].to_numpy()).items(): assert value[split, model, metric] == pytest.approx(v, abs=1e-12), (split, model, metric)
        here = table[table.split == split]
        assert (here.n_rows == len(part)).all() and (here.n_users == part.user_id.nunique()).all()


def test_rows_and_ceilings_are_those_of_the_world(run):
    world, rows = make_world(seed=0), pd.read_csv(run[0] / "predictions.csv")
    events, split = world.log.events, split_by_time(world.log.events)
    for column in ("event_id", "user_id", "item_id", "interested"): np.testing.assert_array_equal(rows[column], events[column])
    for part in ("train", "validation", "test"): np.testing.assert_array_equal(np.flatnonzero(rows.split == part), getattr(split, part))
    np.testing.assert_array_equal(rows.base_rate, np.full(len(rows), events.interested.to_numpy()[split.train].mean()))
    np.testing.assert_allclose(rows[["p_best", "p"]], world.truth[["p_best", "p"]], rtol=1e-14)
    value = pd.read_csv(run[0] / "table.csv").set_index(["split", "model", "metric"]).value.sort_index()
    limits = ceiling(world.truth.iloc[split.test], events.interested.to_numpy()[split.test])
    for model in ("p_best", "p"): np.testing.assert_allclose(value["test"][model][limits.columns], limits.loc[model])


def test_keras_validates_on_the_validation_rows(run):
    history, table = pd.read_csv(run[0] / "history.csv"), pd.read_csv(run[0] / "table.csv")
    assert history.columns.tolist() == ["seed", "epoch", "split", "metric", "value"] and len(history) == 4
    for metric, allowed in (("accuracy", 1e-3), ("log_loss", 1e-5)):
        seen = history[(history.split == "validation") & (history.metric == metric)].value.item()
        assert seen == pytest.approx(table[(table.split == "validation") & (table.model == "dense") & (table.metric == metric)].value.item(), abs=allowed)


def test_the_network_learns(run):
    value = pd.read_csv(run[0] / "table.csv").set_index(["metric", "model", "split"]).value.sort_index()
    assert value["auc", "dense", "test"] > 0.7 and value["log_loss", "dense", "test"] < value["log_loss", "base_rate", "test"] - 0.05


def test_three_lines_load_model_and_encoder(run, monkeypatch):
    from interest_tutorial.course import load_tensorflow
    load_tensorflow()
    import keras
    from interest_tutorial.encoding import FeatureEncoder
    log, rows = make_world(seed=0).log, pd.read_csv(run[0] / "predictions.csv")
    monkeypatch.chdir(run[0].parent)
    output = run[0].name
    encoder = FeatureEncoder.load(f"{output}/encoder.json")
    model = keras.saving.load_model(f"{output}/model.keras")
    p = model.predict(encoder.transform(behaviour_features(log)), verbose=0)[:, 0]
    np.testing.assert_allclose(p, rows.dense, atol=1e-6)


def test_same_seed_same_table(run, capsys):
    assert main(["run", "--epochs", "1", "--output", "again"]) == 0
    for name in ("table.csv", "history.csv", "predictions.csv", "encoder.json"):
        if name != "encoder.json": assert (run[0] / name).read_bytes() == open(f"again/{name}", "rb").read(), name
    out = capsys.readouterr().out
    assert out.splitlines()[:30] == run[1].stdout.splitlines()[:30]


# ---- repetitions

def spread(table, name):
    "Mean and t-interval of each model, part and metric, from the rows of the repetitions."
    from scipy import stats
    single, mean = table[table.repetition != "mean"], table[table.repetition == "mean"].set_index(["model", "split", "metric"])
    assert table.columns.tolist() == COLUMNS and (table.data == name).all() and single.low.isna().all()
    for key, g in single.groupby(["model", "split", "metric"]):
        v, row = g.value.to_numpy(), mean.loc[key]
        if np.isnan(v).all(): assert np.isnan(row.value); continue
        expected = stats.ttest_1samp(v, 0).confidence_interval(0.95) if np.ptp(v) else (v[0], v[0])
        np.testing.assert_allclose([row.value, row.low, row.high], [v.mean(), *expected], rtol=1e-9)
    return single


def test_repetitions_are_new_worlds(capsys, monkeypatch):
    def load(data, seed):
        world = make_world(n_users=30, n_items=40, n_events=1_500, seed=seed)
        return data, world.log, world.truth
    monkeypatch.setattr(cli, "_load", load)
    assert main(["run", "--epochs", "1", "--repetitions", "3", "--seed", "7", "--output", "out"]) == 0
    out, err = capsys.readouterr()
    assert "over 3 worlds (seeds 7 to 9)" in out and "those of seed 7" in out and "±" in out and err == ""
    single = spread(pd.read_csv("out/table.csv", dtype={"repetition": str}), "world")
    assert single.pivot_table(index="repetition", columns=["model", "split", "metric"], values="value").nunique().xs("log_loss", level="metric").min() == 3
    world = load("world", 7)
    np.testing.assert_allclose(pd.read_csv("out/predictions.csv").p, world[2].p)


def test_own_file_with_repetitions(capsys, monkeypatch):
    "On a file only the training changes: what does not depend on the seed does not move."
    rows = world_rows()
    csv(rows.drop(columns="event_id").sample(frac=1, random_state=0), "my log.csv")          # in any order
    assert main(["run", "--data", "my log.csv", "--epochs", "2", "--repetitions", "2"]) == 0
    out, err = capsys.readouterr()
    assert "my log.csv: 600 events" in out and "not an interval for new data" in out and "Test cold" in out and "ceiling" not in out and err == ""
    single = spread(pd.read_csv("interest_run/table.csv", dtype={"repetition": str}), "my log.csv")
    moved = single.groupby(["model", "metric"]).value.std().unstack()
    assert single.groupby(["model", "split", "metric"]).value.nunique().loc[["base_rate", "logistic"]].max() == 1 and moved.log_loss["dense"] > 0
    saved, split = pd.read_csv("interest_run/predictions.csv"), split_by_time(read_events("my log.csv").events)
    seen = saved.user_id[:split.test[0]]
    warm = saved.user_id[split.test].isin(seen)
    counts = single.drop_duplicates("split").set_index("split").n_rows
    assert counts["test_warm"] == warm.sum() and counts["test_cold"] == (~warm).sum() and counts["test"] == len(split.test)
    monkeypatch.undo()


# ---- logs of people

ODD = {
    "only the needed columns": small(),
    "one user": small(user_id=5),
    "one item": small(item_id="x"),
    "one user, one item": small(user_id="u", item_id="i"),
    "texts as ids": small(user_id=[f"u{i % 5}" for i in range(60)], item_id=[f"Ü {i % 9}" for i in range(60)]),
    "a category named like a feature": small(category=["share" if i % 11 else "b" for i in range(60)]),
    "many ties": small(time=[1_700_000_000 + i // 7 for i in range(60)]),
    "constants": small(price=3.5, age=30, category="books", device="phone", session_id=1),
    "late answers": small(feedback_time=[1_700_000_000 + 3_600 * i + 86_400 for i in range(60)]),
    "new things in the newest rows": small(item_id=[i % 11 + 100 * (i >= 48) for i in range(60)], category=["a"] * 48 + ["b"] * 12, price=[""] * 48 + [1.5] * 12),
    "20 rows": small(20, interested=[0, 1] * 10),
    "230 years": small(time=["1970-01-01"] * 10 + ["2199-12-31"] * 50),
    "rare answers": small(400, interested=[int(i % 20 == 0) for i in range(400)]),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_logs(name, capsys, recwarn, monkeypatch):
    csv(ODD[name])
    if name not in ("only the needed columns", "20 rows", "rare answers"): monkeypatch.setattr(cli, "_fit_dense", without_network)
    assert main(["run", "--data", "log.csv", "--epochs", "1"]) == 0
    out, err = capsys.readouterr()
    warned = [str(w.message) for w in recwarn if not issubclass(w.category, (DeprecationWarning, PendingDeprecationWarning))]
    assert err == "" and not warned, (err, warned)
    table, rows = pd.read_csv("interest_run/table.csv"), pd.read_csv("interest_run/predictions.csv")
    assert len(rows) == len(ODD[name]) and np.isfinite(rows[["base_rate", "logistic", "boosted_trees", "dense"]]).all(axis=None)
    assert table[table.split.isin(["train", "validation", "test"])].value.notna().all() and "nan" not in out


@pytest.mark.parametrize("name", ["日誌.csv", "cost $\\frac$.csv", "a,b\".csv", "UPPER.CSV"])
def test_odd_file_names(name, capsys, recwarn):
    "The name stands in the table and in the figure, which has no Chinese letters."
    table = pd.DataFrame([(name, "logistic", 0, "validation", m, 0.5) for m in ("log_loss", "accuracy")], columns=COLUMNS[:6])
    cli._curves(HISTORY, table).savefig("figure.png")
    assert not [w for w in recwarn if issubclass(w.category, UserWarning)]


@POSIX
def test_progress_on_a_terminal():
    import fcntl, pty, termios
    csv(small())
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen([sys.executable, "-m", "interest_tutorial", "run", "--data", "log.csv", "--epochs", "3"], stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    shown = b""
    try:
        while piece := os.read(master, 4096): shown += piece
    except OSError: pass                                             # the other end is closed
    out = process.communicate(timeout=100)[0].decode()
    assert process.returncode == 0 and b"3/3" in shown and b"log.csv" in shown and b"epoch" in shown, shown
    assert "accuracy" in out and "epoch" not in out and shown.rstrip(b" \r").count(b"\n") == 0


def test_movielens(movielens, capsys):
    assert main(["run", "--data", "movielens", "--epochs", "1", "--output", "ml"]) == 0
    out, err = capsys.readouterr()
    print(out)
    assert "movielens: 100,836 events, 610 users" in out and "test warm" in out and "age" in out and err == ""
    table, rows = pd.read_csv("ml/table.csv"), pd.read_csv("ml/predictions.csv")
    value = table.set_index(["split", "model", "metric"]).value.sort_index()
    seen = rows.user_id[rows.split != "test"]
    test = rows[rows.split == "test"]
    for split, part in (("test", test), ("test_warm", test[test.user_id.isin(seen)]), ("test_cold", test[~test.user_id.isin(seen)])):
        for metric, v in scores(part.interested.to_numpy(), part.dense.to_numpy()).items(): assert value[split, "dense", metric] == pytest.approx(v, abs=1e-12)
    counts = table.drop_duplicates("split").set_index("split")
    assert counts.n_users["test"] == 116 and counts.n_users["test_warm"] == 28
    assert value["test", "dense", "auc"] > 0.6


def test_the_filters_of_warnings_survive(monkeypatch):
    "scikit-learn's boosted trees fit in threads that reset the process's warning filters, and can lose them."
    import warnings

    from sklearn.ensemble import HistGradientBoostingClassifier as Trees

    from interest_tutorial.cli import _prepare, _rivals

    fit, before = Trees.fit, list(warnings.filters)

    def careless(self, X, y):
        fitted = fit(self, X, y)
        warnings.resetwarnings()
        return fitted

    monkeypatch.setattr(Trees, "fit", careless)
    _rivals(_prepare("world", 0), 0)
    assert warnings.filters == before
