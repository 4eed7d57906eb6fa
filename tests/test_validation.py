"""Validation: properties of the folds, the same numbers as scikit-learn's, no leak between the sides, and what is refused. `pytest -s` shows the messages."""
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, GridSearchCV, KFold, TimeSeriesSplit, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from interest_tutorial.uncertainty import compare
from interest_tutorial.validation import cross_validate, error_slices, expected_optimism, nested, out_of_fold, plot_fold, splits, tune
from refusals import refused
from results import RESULTS, ROOT

rng = np.random.default_rng(52)
N = 240
X = rng.normal(size=(N, 3))
y = (rng.random(N) < 1 / (1 + np.exp(-X[:, 0] - 0.5 * X[:, 1]))).astype("int8")
USER, SESSION = rng.integers(0, 24, N), rng.integers(0, 60, N)
EVENTS = pd.DataFrame(dict(user_id=USER, session_id=SESSION, time=pd.Timestamp("2026-01-05").as_unit("s") + pd.to_timedelta(np.sort(rng.integers(0, 150, N)), unit="s"), interested=y))
FOLDS = splits(EVENTS, "user")
P = out_of_fold(lambda: LogisticRegression(), (X, y), FOLDS)


def logistic(**setting):
    return LogisticRegression(**setting)


# --- folds

@st.composite
def logs(draw):
    n = draw(st.integers(12, 80))
    seconds = np.sort(draw(st.lists(st.integers(0, draw(st.sampled_from([8, 40, 1000]))), min_size=n, max_size=n)))
    numbers = st.lists(st.integers(0, 9), min_size=n, max_size=n)
    time = pd.Series(np.datetime64("2026-01-05", "s") + seconds)
    late = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    answers = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)), "int8")
    return pd.DataFrame(dict(user_id=draw(numbers), session_id=draw(numbers), time=time, feedback_time=time + pd.to_timedelta(late, unit="s"), interested=answers))


def folds_or_refusal(events, kind, n_splits, seed):
    "The folds, or None where a ValueError says that there is too little."
    try:
        return splits(events, kind, n_splits, seed)
    except ValueError as e:
        group = {"user": events.user_id.nunique(), "session": events.session_id.nunique(), "stratified": min((events.interested == k).sum() for k in (0, 1)),
                 "time": events.time.nunique()}.get(kind, len(events))
        assert group < n_splits or kind == "time", (kind, e)
        return None


@settings(max_examples=150, deadline=None)
@given(logs(), st.sampled_from(["kfold", "stratified", "user", "session", "time"]), st.integers(2, 5), st.integers(0, 99))
def test_folds(events, kind, n_splits, seed):
    folds = folds_or_refusal(events, kind, n_splits, seed)
    if folds is None:
        return
    n, t = len(events), events.time.to_numpy()
    validated = np.concatenate([v for _, v in folds])
    assert len(folds) == n_splits and all(rows.dtype == "int64" and len(rows) for fold in folds for rows in fold)
    assert len(np.unique(validated)) == len(validated)
    for train, validation in folds:
        assert not set(train) & set(validation)
        if kind == "time":
            assert t[train].max() < t[validation].min() and (events.feedback_time.to_numpy()[train] < t[validation].min()).all()
            assert set(np.flatnonzero(events.feedback_time.to_numpy() < t[validation].min())) == set(train)
        else:
            assert sorted([*train, *validation]) == list(range(n))
    if kind == "time":
        np.testing.assert_array_equal(validated, np.arange(validated[0], n))
        starts = [validation[0] for _, validation in folds]
        assert (t[np.array(starts) - 1] < t[starts]).all()                     # rows of one time stay together
    else:
        assert len(validated) == n
    if kind in ("user", "session"):
        ids = events[f"{kind}_id"].to_numpy()
        assert not any(set(ids[a]) & set(ids[b]) for a, b in folds)
        assert np.ptp([len(set(ids[b])) for _, b in folds]) <= 1
    if kind == "stratified":
        share = [abs((events.interested.to_numpy()[b] == k).sum() - (events.interested == k).sum() / n_splits) for _, b in folds for k in (0, 1)]
        assert max(share) <= 1
    for a, b in zip(folds, splits(events, kind, n_splits, seed)):
        np.testing.assert_array_equal(a[1], b[1])


def test_folds_are_those_of_scikit_learn():
    for kind, splitter, more in (("kfold", KFold(5, shuffle=True, random_state=3), {}), ("user", GroupKFold(5, shuffle=True, random_state=3), dict(groups=USER))):
        for ours, theirs in zip(splits(EVENTS, kind, seed=3), splitter.split(X, **more), strict=True):
            for a, b in zip(ours, theirs):
                np.testing.assert_array_equal(a, b)
    distinct = EVENTS.assign(time=np.datetime64("2026-01-05", "s") + np.arange(N))
    for ours, theirs in zip(splits(distinct, "time"), TimeSeriesSplit(5).split(X), strict=True):
        for a, b in zip(ours, theirs):
            np.testing.assert_array_equal(a, b)


def test_other_seeds_other_folds():
    assert any((a[1] != b[1]).any() for a, b in zip(splits(EVENTS, "kfold", seed=0), splits(EVENTS, "kfold", seed=1)))


@pytest.mark.parametrize("call, error, words", [
    (lambda: splits(None, "kfold"), TypeError, ["pandas DataFrame", "NoneType"]),
    (lambda: splits(EVENTS, "random"), ValueError, ["'random'", "stratified"]),
    (lambda: splits(EVENTS, ["time"]), ValueError, ["['time']"]),
    (lambda: splits(EVENTS, "kfold", 1), ValueError, ["n_splits", "2", "got 1"]),
    (lambda: splits(EVENTS, "kfold", 5.0), TypeError, ["n_splits", "5.0"]),
    (lambda: splits(EVENTS, "kfold", seed=-1), ValueError, ["seed", "-1"]),
    (lambda: splits(EVENTS.head(3), "kfold"), ValueError, ["5", "3"]),
    (lambda: splits(EVENTS, "user", 25), ValueError, ["25", "24"]),
    (lambda: splits(EVENTS.drop(columns="user_id"), "user"), ValueError, ["no column user_id"]),
    (lambda: splits(EVENTS.drop(columns="interested"), "stratified"), ValueError, ["no column interested"]),
    (lambda: splits(EVENTS.drop(columns="time"), "time"), ValueError, ["time"]),
    (lambda: splits(EVENTS.assign(session_id=pd.NA), "session"), ValueError, ["session_id is missing in row 0"]),
    (lambda: splits(EVENTS.assign(interested=1), "stratified"), ValueError, ["both answers", "240 rows of 1 and 0 of 0"]),
    (lambda: splits(EVENTS.assign(interested=2), "stratified"), ValueError, ["0 or 1", "2"]),
    (lambda: splits(EVENTS[::-1], "time"), ValueError, ["sorted by time"]),
    (lambda: splits(EVENTS.assign(time=EVENTS.time.iloc[0]), "time"), ValueError, ["fold 0 has 0 training", "stay together"]),
    (lambda: splits(EVENTS.assign(feedback_time=EVENTS.time + pd.Timedelta("1D")), "time"), ValueError, ["fold 0 has 0 training"]),
    (lambda: splits(EVENTS.head(4), "time"), ValueError, ["6", "4"]),
])
def test_splits_refuse(call, error, words):
    refused(call, error, *words)


# --- out of fold

def test_out_of_fold_is_scikit_learns():
    model = make_pipeline(StandardScaler(), LogisticRegression())
    theirs = cross_val_predict(model, X, y, groups=USER, cv=GroupKFold(5, shuffle=True, random_state=0), method="predict_proba")[:, 1]
    np.testing.assert_allclose(out_of_fold(lambda: make_pipeline(StandardScaler(), LogisticRegression()), (X, y), FOLDS), theirs, rtol=1e-12)
    np.testing.assert_allclose(out_of_fold(LogisticRegression, (X, y), FOLDS, encoder=StandardScaler), theirs, rtol=1e-12)
    np.testing.assert_allclose(out_of_fold(LogisticRegression, (pd.DataFrame(X), pd.Series(y)), iter(FOLDS), encoder=StandardScaler), theirs, rtol=1e-12)


@pytest.mark.parametrize("kind", ["kfold", "time"])
def test_validation_labels_do_not_reach_the_predictions(kind):
    folds = splits(EVENTS, kind)
    before = out_of_fold(lambda: HistGradientBoostingClassifier(random_state=0, max_iter=5), (X, y), folds)
    assert np.isnan(before).sum() == (0 if kind == "kfold" else folds[0][1][0])
    for train, validation in folds:
        flipped = y.copy()
        flipped[np.setdiff1d(np.arange(N), train)] = 1 - flipped[np.setdiff1d(np.arange(N), train)]
        again = out_of_fold(lambda: HistGradientBoostingClassifier(random_state=0, max_iter=5), (X, flipped), [(train, validation)])
        np.testing.assert_array_equal(again[validation], before[validation])
        assert np.isnan(np.delete(again, validation)).all()


def test_the_encoder_sees_training_rows_only():
    seen = []

    class Spy(StandardScaler):
        def fit(self, X, y=None):
            seen.append(np.array(X))
            return super().fit(X)
    out_of_fold(LogisticRegression, (X, y), FOLDS, encoder=Spy)
    for rows, (train, _) in zip(seen, FOLDS, strict=True):
        np.testing.assert_array_equal(rows, X[train])


def test_a_model_is_never_fitted_twice():
    kept = LogisticRegression()
    np.testing.assert_array_equal(out_of_fold(lambda: kept, (X, y), FOLDS), P)
    assert not hasattr(kept, "coef_")


DATA = (X, y)


class Logits(LogisticRegression):
    def predict_proba(self, X):
        return np.repeat(self.decision_function(X)[:, None] * 9, 2, 1)


class Blind(LogisticRegression):
    def predict_proba(self, X):
        return np.full((len(X), 2), np.nan)


@pytest.mark.parametrize("call, error, words", [
    (lambda: out_of_fold(LogisticRegression(), DATA, FOLDS), TypeError, ["build must be a function", "LogisticRegression()"]),
    (lambda: out_of_fold(lambda: LogisticRegression, DATA, FOLDS), TypeError, ["predict_proba", "class"]),
    (lambda: out_of_fold(lambda: None, DATA, FOLDS), TypeError, ["classifier", "Keras", "None"]),
    (lambda: out_of_fold(lambda: (LogisticRegression(), dict(epochs=2)), DATA, FOLDS), TypeError, ["a Keras model and a dict"]),
    (lambda: out_of_fold(Logits, DATA, FOLDS), ValueError, ["fold 0", "[0, 1]", "sigmoid"]),
    (lambda: out_of_fold(logistic, X, FOLDS), TypeError, ["tuple (X, y)", "ndarray"]),
    (lambda: out_of_fold(logistic, (X, y, y), FOLDS), TypeError, ["tuple (X, y)"]),
    (lambda: out_of_fold(logistic, (X, y[1:]), FOLDS), ValueError, ["(240, 3)", "(239,)"]),
    (lambda: out_of_fold(logistic, (X, y * 2), FOLDS), ValueError, ["0 or 1"]),
    (lambda: out_of_fold(logistic, DATA, []), ValueError, ["folds is empty"]),
    (lambda: out_of_fold(logistic, DATA, "kfold"), TypeError, ["'kfold'", "splits"]),
    (lambda: out_of_fold(logistic, DATA, 5), TypeError, ["folds", "5"]),
    (lambda: out_of_fold(logistic, DATA, [np.arange(5)]), TypeError, ["fold 0 must be a pair"]),
    (lambda: out_of_fold(logistic, DATA, [(np.arange(9), [240])]), ValueError, ["fold 0", "0 to 239", "240"]),
    (lambda: out_of_fold(logistic, DATA, [(np.arange(9), [-1])]), ValueError, ["0 to 239", "-1"]),
    (lambda: out_of_fold(logistic, DATA, [(np.arange(9), [8, 9])]), ValueError, ["row 8 trains and validates"]),
    (lambda: out_of_fold(logistic, DATA, [(np.arange(9), [9, 9])]), ValueError, ["validation rows stands there twice"]),
    (lambda: out_of_fold(logistic, DATA, [(np.arange(9), [9]), (np.arange(9), [9])]), ValueError, ["row 9 is validated by 2 folds"]),
    (lambda: out_of_fold(logistic, DATA, [(np.arange(9), [])]), ValueError, ["validation rows must be positions"]),
    (lambda: out_of_fold(logistic, DATA, [(np.arange(N) < 9, np.arange(N) >= 9)]), ValueError, ["must be positions"]),
    (lambda: out_of_fold(logistic, DATA, [(np.flatnonzero(y)[1:], np.flatnonzero(y)[:1])]), ValueError, ["y is 1 in all", "one class"]),
    (lambda: out_of_fold(logistic, DATA, FOLDS, encoder=StandardScaler()), TypeError, ["encoder must be a function", "without brackets"]),
    (lambda: out_of_fold(logistic, DATA, FOLDS, seed=1.5), TypeError, ["seed", "1.5"]),
    (lambda: out_of_fold(lambda: Blind(), DATA, FOLDS), ValueError, ["fold 0", "NaN in row"]),
    (lambda: plot_fold(EVENTS, (np.arange(9), [-1])), ValueError, ["-1"]),
    (lambda: plot_fold(EVENTS, (np.arange(9), [8, 9])), ValueError, ["row 8 trains and validates"]),
    (lambda: splits(EVENTS.assign(feedback_time=EVENTS.time.astype(str)), "time"), TypeError, ["feedback_time must be datetime64"]),
    (lambda: splits(EVENTS.assign(feedback_time=EVENTS.time.dt.tz_localize("UTC")), "time"), TypeError, ["without a time zone", "UTC"]),
    (lambda: error_slices(y, dict(a=P, b=P), dict(half=np.arange(N) // 120), USER), ValueError, ["p must be one model", "a, b"]),
    (lambda: error_slices(y, P, pd.DataFrame(index=range(N)), USER), TypeError, ["slices must map"]),
    (lambda: cross_validate(logistic, DATA, FOLDS, metrics="auc"), TypeError, ["metrics must be a list"]),
    (lambda: cross_validate(logistic, DATA, FOLDS, metrics=["f1"]), ValueError, ["'f1'", "accuracy"]),
    (lambda: cross_validate(logistic, DATA, FOLDS, metrics=[]), ValueError, ["metrics is empty"]),
    (lambda: cross_validate(logistic, DATA, FOLDS, groups=USER[1:]), ValueError, ["groups", "(240,)"]),
    (lambda: cross_validate(logistic, DATA, [(np.arange(2, N), np.flatnonzero(y[:2] == y[0])[:1])]), ValueError, ["fold 0", "no AUC"]),
])
def test_refusals(call, error, words):
    refused(call, error, *words)


# --- cross-validation

def test_cross_validation_is_scikit_learns():
    table = cross_validate(logistic, DATA, FOLDS, groups=USER, metrics=["log_loss", "auc", "accuracy", "brier"])
    for metric, scorer, sign in (("log_loss", "neg_log_loss", -1), ("auc", "roc_auc", 1), ("accuracy", "accuracy", 1), ("brier", "neg_brier_score", -1)):
        theirs = sign * cross_val_score(LogisticRegression(), X, y, groups=USER, cv=GroupKFold(5, shuffle=True, random_state=0), scoring=scorer)
        ours = table[table.metric == metric]
        np.testing.assert_allclose(ours.value, [*theirs, theirs.mean()], rtol=1e-12)
        assert ours.repetition.tolist() == [0, 1, 2, 3, 4, "mean"]
    assert table.n_rows[table.repetition == "mean"].eq(N).all() and table.n_users[table.repetition == "mean"].eq(len(set(USER))).all()
    assert table[["low", "high"]].isna().all(axis=None) and table.columns.tolist() == ["data", "model", "repetition", "split", "metric", "value", "low", "high", "n_rows", "n_users"]


def test_it_can_be_compared():
    from interest_tutorial.uncertainty import compare_repetitions
    both = pd.concat([cross_validate(lambda: logistic(C=c), DATA, FOLDS, model=str(c)) for c in (1, 0.001)])
    assert len(compare_repetitions(both[both.repetition != "mean"], "1")) == 3


def test_no_tensorflow_for_a_classifier():
    code = ("import sys, numpy as np\nfrom interest_tutorial.validation import *\nfrom sklearn.linear_model import LogisticRegression\n"
            "X = np.random.default_rng(0).normal(size=(60, 2)); y = (X[:, 0] > 0).astype(int)\n"
            "cross_validate(LogisticRegression, (X, y), [(np.arange(40), np.arange(40, 60))])\nassert not {'tensorflow', 'keras'} & set(sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_keras_models():
    from interest_tutorial.dense import dense_model, forward
    from interest_tutorial.logistic import sigmoid
    from interest_tutorial.training import repeat
    folds = FOLDS[:2]
    made = lambda: (dense_model(3, (4,)), dict(epochs=2, batch_size=16))
    p, theirs = out_of_fold(made, DATA, folds, seed=7), []
    for k, (train, validation) in enumerate(folds):
        repeat(lambda: dense_model(3, (4,)), {"train": (X[train], y[train])}, [7 + k], epochs=2, batch_size=16, progress=False, each=lambda s, m, *_: theirs.append(m.get_weights()))
        np.testing.assert_allclose(p[validation], sigmoid(forward(theirs[-1], X[validation])), atol=1e-5)
    np.testing.assert_array_equal(out_of_fold(made, DATA, folds, seed=7), p)
    assert (out_of_fold(made, DATA, folds, seed=8)[folds[0][1]] != p[folds[0][1]]).any()
    assert cross_validate(lambda: dense_model(3, (4,)), (pd.DataFrame(X), y), folds[:1], encoder=StandardScaler).value.notna().all()
    trials, best = tune(lambda hidden: (dense_model(3, hidden), dict(epochs=1)), dict(hidden=[(2,), (3,)]), DATA, folds[:1], budget=2)
    assert best["hidden"] in [(2,), (3,)] and len(trials) == 4
    one = dict(budget=1, metrics=["log_loss"], seed=7)
    whole = nested(lambda hidden: (dense_model(3, hidden), dict(epochs=2, batch_size=16)), dict(hidden=[(4,)]), DATA, folds, lambda rows: [(np.arange(50), np.arange(50, 90))], **one)
    np.testing.assert_allclose(whole.value, cross_validate(made, DATA, folds, metrics=["log_loss"], seed=7).value, atol=1e-6)


def test_keras_refusals():
    from interest_tutorial.course import load_tensorflow
    load_tensorflow()
    import keras
    plain = lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])

    def logits():
        model = plain()
        model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
        return model
    refused(lambda: out_of_fold(plain, DATA, FOLDS), ValueError, "compile")
    refused(lambda: out_of_fold(logits, (9 * X, y), FOLDS), ValueError, "fold 0", "sigmoid")
    from interest_tutorial.dense import dense_model
    same, stop = dense_model(3, (2,)), keras.callbacks.EarlyStopping("val_loss", patience=1)
    refused(lambda: tune(lambda C: same, dict(C=[1, 2]), DATA, FOLDS[:1], budget=2), ValueError, "new model", "has learned for")
    refused(lambda: out_of_fold(lambda: (dense_model(3, (2,)), dict(callbacks=[stop])), DATA, FOLDS), ValueError, "val_loss", "number of epochs")


def test_a_sure_keras_model_costs_what_float32_can_tell():
    from interest_tutorial.course import load_tensorflow
    load_tensorflow()
    import keras

    def sure():
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, "sigmoid", bias_initializer=keras.initializers.Constant(200.0))])
        model.compile(keras.optimizers.SGD(1e-9), "binary_crossentropy")
        return model
    loss = cross_validate(lambda: (sure(), dict(epochs=1)), DATA, FOLDS[:1], metrics=["log_loss"]).value.iloc[-1]
    np.testing.assert_allclose(loss, -np.log(np.finfo("float32").eps) * (1 - y[FOLDS[0][1]].mean()), rtol=1e-3)


# --- tuning

def test_tune_is_a_grid_search():
    grid = dict(C=[0.001, 0.01, 0.1, 1.0], l1_ratio=[0.0])
    theirs = GridSearchCV(LogisticRegression(), grid, scoring="neg_log_loss", cv=GroupKFold(5, shuffle=True, random_state=0)).fit(X, y, groups=USER)
    trials, best = tune(logistic, grid, DATA, FOLDS, budget=4)
    assert best == theirs.best_params_
    mean = trials[trials.repetition == "mean"].set_index("model").value
    for setting, score in zip(theirs.cv_results_["params"], -theirs.cv_results_["mean_test_score"]):
        named = [m for m in mean.index if f"C={setting['C']:.4g}," in m]
        np.testing.assert_allclose(mean[named], [score], rtol=1e-12)
    assert trials.trial.nunique() == 4 and trials.metric.eq("log_loss").all() and len(trials) == 4 * 6


def test_tune_takes_the_better_side_and_the_first_of_equals():
    trials, best = tune(logistic, dict(C=[1e-6, 1.0]), DATA, FOLDS, budget=2, metric="auc")
    mean = trials[trials.repetition == "mean"]
    assert best["C"] == [1e-6, 1.0][["1e-06", "1"].index(mean.model.iloc[mean.value.argmax()].removeprefix("C="))]
    trials, best = tune(logistic, dict(max_iter=[300, 400, 500]), DATA, FOLDS, budget=3)
    assert f"max_iter={best['max_iter']}" == trials.model.iloc[0]


def test_tune_draws_by_seed():
    grid = dict(C=stats.loguniform(1e-3, 10))
    drawn = [tune(logistic, grid, DATA, FOLDS[:1], budget=3, seed=s)[0].model.tolist() for s in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2] and len(set(drawn[0])) == 3
    assert type(tune(logistic, grid, DATA, FOLDS[:1], budget=1)[1]["C"]) is float


@pytest.mark.parametrize("call, error, words", [
    (lambda: tune(logistic, dict(C=[1.0]), DATA, FOLDS, budget=2), ValueError, ["budget is 2", "only 1 settings"]),
    (lambda: tune(logistic, dict(C=[1.0]), DATA, FOLDS, budget=0), ValueError, ["budget", "0"]),
    (lambda: tune(logistic, {}, DATA, FOLDS, budget=1), TypeError, ["grid must map"]),
    (lambda: tune(logistic, [dict(C=[1.0])], DATA, FOLDS, budget=1), TypeError, ["grid must map"]),
    (lambda: tune(logistic, dict(C=1.0), DATA, FOLDS, budget=1), TypeError, ["C"]),
    (lambda: tune(logistic, dict(K=[1.0]), DATA, FOLDS, budget=1), TypeError, ["K"]),
    (lambda: tune(logistic, dict(C=[1.0]), DATA, FOLDS, budget=1, metric="f1"), ValueError, ["f1"]),
    (lambda: nested(logistic, dict(C=[1.0]), DATA, FOLDS, lambda rows: splits(EVENTS, "kfold"), budget=1), ValueError, ["fold 0", "must lie from 0"]),
    (lambda: expected_optimism(0), ValueError, ["candidates", "0"]),
    (lambda: expected_optimism(2.0), TypeError, ["candidates", "2.0"]),
    (lambda: expected_optimism(2, -1), ValueError, ["sd", "-1"]),
    (lambda: expected_optimism(2, 1, 1.5), ValueError, ["correlation", "1.5"]),
    (lambda: expected_optimism(2, float("nan")), ValueError, ["sd", "nan"]),
    (lambda: expected_optimism(2, "1"), TypeError, ["sd", "'1'"]),
])
def test_tuning_refusals(call, error, words):
    refused(call, error, *words)


def test_nested_by_hand():
    grid, inner = dict(C=[0.001, 0.1, 10.0]), lambda rows: splits(EVENTS.iloc[rows], "user", 3)
    table = nested(logistic, grid, DATA, FOLDS, inner, budget=3, groups=USER)
    for k, (train, validation) in enumerate(FOLDS):
        scores = {C: -cross_val_score(LogisticRegression(C=C), X[train], y[train], cv=inner(train), scoring="neg_log_loss").mean() for C in grid["C"]}
        best = min(scores, key=scores.get)
        assert table.setting[table.repetition == k].tolist() == [dict(C=best)] * 3
        p = LogisticRegression(C=best).fit(X[train], y[train]).predict_proba(X[validation])[:, 1]
        value = table.query("repetition == @k and metric == 'accuracy'").value.item()
        np.testing.assert_allclose(value, ((p > 0.5) == y[validation]).mean())
    assert table.setting[table.repetition == "mean"].isna().all()


def test_no_choice_sees_the_outer_rows():
    "Every row that a search of outer fold k trained on or examined is a training row of that fold."
    rows, numbered, searches = [], np.c_[np.arange(N), X], []

    class Spy(LogisticRegression):
        def fit(self, X, y=None):
            rows.append(X[:, 0])
            return super().fit(X, y)

        def predict_proba(self, X):
            rows.append(X[:, 0])
            return super().predict_proba(X)

    def inner(train):
        searches.append(len(rows))
        return splits(EVENTS.iloc[train], "kfold", 2)
    nested(lambda C: Spy(C=C), dict(C=[0.1, 1.0]), (numbered, y), FOLDS, inner, budget=2)
    assert len(rows) == len(FOLDS) * (2 * 2 + 1) * 2 and searches == list(range(0, len(rows), 10))
    for start, (train, validation) in zip(searches, FOLDS):
        assert set(np.concatenate(rows[start:start + 8])) == set(train) == set(rows[start + 8]) and set(rows[start + 9]) == set(validation)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10**6), st.floats(0, 5), st.floats(0, 1))
def test_optimism(k, sd, correlation):
    value = expected_optimism(k, sd, correlation)
    assert 0 <= value <= sd * np.sqrt(1 - correlation) * np.sqrt(2 * np.log(k)) + 1e-9
    assert expected_optimism(k + 1, sd, correlation) >= value - 1e-9


def test_optimism_of_very_many():
    k = 10**18
    m = stats.norm.isf(1 / k)
    grid = np.linspace(0, 12, 400_001)
    np.testing.assert_allclose(expected_optimism(k), np.trapezoid(-np.expm1(-np.exp(np.log(k) + stats.norm.logsf(grid))), grid), atol=1e-5)
    assert m < expected_optimism(k) < m + 0.2


def test_optimism_by_hand_and_by_quantiles():
    np.testing.assert_allclose([expected_optimism(1), expected_optimism(2), expected_optimism(3)], [0, np.pi**-0.5, 1.5 * np.pi**-0.5], atol=1e-9)
    u = (np.arange(1_000_000) + 0.5) / 1_000_000
    for k in (5, 64, 1000):
        np.testing.assert_allclose(expected_optimism(k), stats.norm.ppf(u ** (1 / k)).mean(), rtol=1e-3)
    assert expected_optimism(10, 2, 0.75) == pytest.approx(expected_optimism(10))


# --- slices

SLICES = dict(device=rng.choice(["desktop", "phone"], N), half=np.arange(N) // 120)


def test_slices_by_hand():
    q = np.full(N, y.mean())
    table = error_slices(y, P, SLICES, USER, q=q, metrics=["log_loss", "accuracy", "brier"])
    excess = -np.log(np.where(y, P, 1 - P)) + np.log(np.where(y, q, 1 - q))
    at = SLICES["device"] == "phone"
    row = table.query("split == 'device phone' and metric == 'log_loss'").iloc[0]
    np.testing.assert_allclose([row.value, row.n_rows, row.n_users], [excess[at].mean() - excess[~at].mean(), at.sum(), len(set(USER[at]))])
    assert table.split.unique().tolist() == ["device desktop", "device phone", "half 0", "half 1"]
    right = ((P > 0.5) == y).astype(float) - ((q > 0.5) == y)
    np.testing.assert_allclose(table.query("split == 'half 1' and metric == 'accuracy'").value, right[120:].mean() - right[:120].mean())
    assert (table.low < table.value).all() and (table.value < table.high).all()
    pd.testing.assert_frame_equal(table, error_slices(y, P, pd.DataFrame(SLICES), USER, q=q, metrics=["log_loss", "accuracy", "brier"]))


def test_no_difference_is_none():
    table = error_slices(y, P, SLICES, USER, q=P)
    assert (table[["value", "low", "high"]] == 0).all(axis=None) and (table.verdict == "equivalent").all()


def test_two_sides_are_mirror_images():
    table = error_slices(y, P, dict(device=SLICES["device"]), USER)
    np.testing.assert_allclose(table.value.iloc[0], -table.value.iloc[1])
    np.testing.assert_allclose([table.low.iloc[0], table.high.iloc[0]], [-table.high.iloc[1], -table.low.iloc[1]])


def test_contrast_draws_are_those_of_repeated_rows():
    "What the weights of the users say equals what repeating their rows says; the variance equals the influences recomputed."
    from interest_tutorial.uncertainty import _Mean, _codes
    from interest_tutorial.validation import _Contrast
    user, users = _codes(USER, "groups", N)
    at, label = SLICES["half"] == 1, y == 1
    contrast = _Contrast(*(_Mean(label[x], user[x], len(users), "log_loss", P[x]) for x in (at, ~at)))
    W = np.random.default_rng(0).integers(0, 3, (5, len(users))).astype(float)
    moved, variance = contrast.draws(W)
    for k, w in enumerate(W):
        rows = np.repeat(np.arange(N), w[user].astype(int))
        loss = -np.log(np.where(label, P, 1 - P))[rows]
        a, b = loss[at[rows]], loss[~at[rows]]
        np.testing.assert_allclose(moved[k], a.mean() - b.mean() - contrast.value, atol=1e-12)
        excess = np.where(at[rows], (loss - a.mean()) / len(a), -(loss - b.mean()) / len(b))
        per_user = np.bincount(user[rows], excess, minlength=len(users))               # sum over the copies of a user
        np.testing.assert_allclose(variance[k], (per_user[w > 0]**2 / w[w > 0]).sum(), rtol=1e-9)


def test_simultaneous_intervals_are_wider_and_one_slice_is_itself():
    together, alone = (error_slices(y, P, SLICES, USER, simultaneous=s) for s in (True, False))
    assert ((together.high - together.low) > (alone.high - alone.low)).all()
    one = error_slices(y, P, dict(half=SLICES["half"]), USER, simultaneous=False)
    np.testing.assert_allclose(one.low, alone.low[2:], atol=1e-12)


def test_a_slice_of_whole_users_agrees_with_two_samples():
    "Users of a kind against the others, two independent samples: near Welch's interval, which knows nothing of the bootstrap."
    g = np.random.default_rng(1)
    user = np.repeat(np.arange(400), 5)
    label, p, kind = g.integers(0, 2, 2000), g.uniform(0.2, 0.8, 2000), (user % 4 == 0)
    table = error_slices(label, p, dict(kind=kind), user, simultaneous=False).iloc[1]
    loss = (-np.log(np.where(label, p, 1 - p))).reshape(400, 5).mean(1)
    theirs = stats.ttest_ind(loss[::4], np.delete(loss, np.s_[::4]), equal_var=False).confidence_interval()
    np.testing.assert_allclose([table.low, table.high], [theirs.low, theirs.high], atol=0.15 * (theirs.high - theirs.low))


def test_a_slice_of_few_users_has_no_interval():
    few = dict(who=np.where(USER < 3, "few", "many"), device=SLICES["device"])
    table = error_slices(y, P, few, USER).set_index("split")
    assert table.loc[["who few", "who many"], ["low", "high"]].isna().all(axis=None) and table.loc["device phone", ["low", "high"]].notna().all()
    assert (table.verdict[["who few", "who many"]] == "not shown").all()
    assert error_slices(y, P, few, USER, least_users=3).low.notna().all()


def test_a_planted_error_is_found():
    bad = np.arange(N) % 3 == 0
    q = np.clip(P, 0.05, 0.95)
    table = error_slices(y, np.where(bad, 1 - q, q), dict(third=bad), USER, q=q).set_index("split")
    assert table.verdict["third True"] == "worse" and table.verdict["third False"] == "better"


def test_slices_and_compare_agree_where_they_ask_the_same():
    inside = SLICES["half"] == 0
    q = np.full(N, 0.5)
    ours = error_slices(y, P, dict(half=inside), USER, q=q).set_index("split").value["half True"]
    theirs = compare(y, P, q, USER, by=inside, metrics=["log_loss"]).set_index("split").value
    np.testing.assert_allclose(ours, theirs[True] - theirs[False])


@pytest.mark.parametrize("call, error, words", [
    (lambda: error_slices(y, P, SLICES, USER, metrics=["auc"]), ValueError, ["'auc'", "no mean"]),
    (lambda: error_slices(y, P, SLICES["device"], USER), TypeError, ["slices must map"]),
    (lambda: error_slices(y, P, {}, USER), TypeError, ["slices must map"]),
    (lambda: error_slices(y, P, dict(a=np.ones(N)), USER), ValueError, ["a is", "all rows"]),
    (lambda: error_slices(y, P, dict(a=np.ones(3)), USER), ValueError, ["a must have shape (240,)"]),
    (lambda: error_slices(y, P, dict(a=np.where(np.arange(N) == 4, np.nan, 1.0)), USER), ValueError, ["a is missing in row 4"]),
    (lambda: error_slices(y, P * 2, SLICES, USER), ValueError, ["[0, 1]"]),
    (lambda: error_slices(y, P, SLICES, USER, q=P[1:]), ValueError, ["q must have shape"]),
    (lambda: error_slices(y, P, SLICES, USER, least_users=200), ValueError, ["no slice has 200 users"]),
    (lambda: error_slices(y, P, SLICES, USER, least_users=1), ValueError, ["least_users", "1"]),
    (lambda: error_slices(y, P, SLICES, USER, level=95), ValueError, ["level", "95"]),
    (lambda: error_slices(y, P, SLICES, USER, draws=10), ValueError, ["draws", "10"]),
    (lambda: plot_fold(EVENTS.drop(columns="user_id"), FOLDS[0]), ValueError, ["no column user_id"]),
])
def test_slices_refuse(call, error, words):
    refused(call, error, *words)


def test_plot_fold_counts_the_rows():
    from matplotlib.figure import Figure
    ax = plot_fold(EVENTS, splits(EVENTS, "time")[1], Figure().subplots())
    train, validation = splits(EVENTS, "time")[1]
    drawn = {c.get_label(): len(c.get_offsets()) for c in ax.collections}
    assert drawn == {"train": len(train), "validate": len(validation), "not used": N - len(train) - len(validation)}


# --- kept tables

sys.path.insert(0, str(ROOT / "benchmarks"))


def kept(name):
    "A table of `benchmarks/validation.py`, and the tolerance stored with it."
    return pd.read_csv(RESULTS / f"{name}.csv", dtype={"repetition": str}), json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def agree(name, again, keys, values=("value",)):
    "Every row that was computed again equals its kept row, within the tolerance."
    (table, made), again = kept(name), again.assign(repetition=again.repetition.astype(str))
    both = again.merge(table, on=keys, suffixes=("", "_kept"), validate="1:1")
    assert len(both) == len(again) > 0
    for value in values:
        off = (both[value] - both[f"{value}_kept"]).abs().max()
        print(f"{name}: {len(both)} rows, largest distance in {value} {off:.6f}")
        assert off < made["tolerance"]["others"]


RESULT = ["data", "model", "repetition", "split", "metric"]


def test_estimates_of_one_world_again():
    from validation import world_estimates
    agree("validation", world_estimates(5000, models=["logistic"]), RESULT)
    agree("validation", world_estimates(5001, models=["boosted_trees"], schemes=["kfold"]), RESULT)


def test_the_later_result_of_dense_again():
    from validation import world_task
    task = world_task(5000)
    folds = task.folds("test")
    again = task.score("dense", folds, task.predict("dense", folds), "test")
    table, made = kept("validation")
    row = table.query("data == 'world' and model == 'dense' and repetition == '5000' and split == 'test'").set_index("metric").value
    off = (again.set_index("metric").value - row).abs()
    print(off.to_dict())
    assert len(off) == 4 and off.max() < made["tolerance"]["dense"]


def test_tuning_of_one_world_again():
    from validation import world_tuning
    agree("tuning", world_tuning(5000, models=["logistic"]), RESULT)


def test_winners_curse_of_one_world_again():
    from validation import world_curse
    agree("winners_curse", world_curse(5000), ["repetition", "metric", "n_rows", "candidates"], ("optimism", "gain", "expected"))
