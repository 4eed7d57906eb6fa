"""How far each scheme's estimate lies from the later test result, what the best of many candidates promises, and what unequal tuning shows.

    python benchmarks/validation.py [validation] [winners_curse] [tuning]

validation: estimates from the first 80 % of the rows and the result on the last 20 %, worlds 5000-5019 and MovieLens.
winners_curse: the best of K boosted trees on n validation rows, and its test result.
tuning: three models with their defaults and after 12 trials each, and nested cross-validation of two of them.
"""
import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from results import keep  # noqa: E402

SEED, WORLDS, BUDGET, CANDIDATES, DRAWS = 5000, 20, 12, 64, 200
SCHEMES = {"kfold": 5, "stratified": 5, "user": 5, "session": 5, "time": 5, "last cut": 4}       # folds; 'last cut' is the last fold of 'time' with 4
RATES = {"user_rate": (["user"], 10), "item_rate": (["item"], 10), "user_category_rate": (["user", "category"], 4)}
COLUMNS = ["data", "model", "repetition", "split", "metric", "value", "low", "high", "n_rows", "n_users"]
METRICS = ["log_loss", "auc", "accuracy"]
# log loss, AUC and accuracy come from metrics and uncertainty, whose tests hold them to scikit-learn's: they are no part of the hash
CODE = ["benchmarks/validation.py"] + [f"interest_tutorial/{m}.py" for m in ("world", "features", "encoding", "dense", "training", "validation")]
TOLERANCE = {"dense": 0.03, "others": 0.01}


def builders(seed, width):
    "The three models with the course's settings; other arguments are for tuning."
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from interest_tutorial.dense import dense_model

    def dense(epochs=10, xla=False, **setting):
        return dense_model(width(), **setting), dict(epochs=epochs, xla=xla)
    return {"logistic": lambda **setting: LogisticRegression(max_iter=2_000, **setting),
            "boosted_trees": lambda **setting: HistGradientBoostingClassifier(random_state=seed, **setting), "dense": dense}


def grids():
    "What is tuned."
    from scipy.stats import loguniform
    return {"logistic": dict(C=loguniform(1e-3, 10)),
            "boosted_trees": dict(learning_rate=loguniform(0.02, 0.3), max_iter=[30, 60], max_leaf_nodes=[3, 7, 15, 31], min_samples_leaf=[5, 20, 80], l2_regularization=[0.0, 1.0, 10.0]),
            "dense": dict(learning_rate=loguniform(3e-4, 3e-3), hidden=[(16,), (32, 16), (64,), (128, 64)], epochs=[3, 5, 10, 20])}


class Task:
    "A log with its features; the encoder is fitted in each fold."
    def __init__(self, data, log, truth=None, F=None, seed=0):
        from interest_tutorial.encoding import FeatureEncoder
        from interest_tutorial.features import behaviour_features, split_by_time
        self.data, self.log, self.truth, self.seed, self.split = data, log, truth, seed, split_by_time(log.events)
        self.F, self.y, self.user, self.n = behaviour_features(log) if F is None else F, log.events.interested.to_numpy(), log.events.user_id.to_numpy(), len(log.events)
        self.development, self.test = np.arange(self.split.test[0]), self.split.test
        task, self.width = self, 1

        class Encoder(FeatureEncoder):
            def fit(self, F, y=None):
                fitted = super().fit(F)
                task.width = len(fitted.get_feature_names_out())
                return fitted
        self.encoder, self.models = Encoder, builders(seed, lambda: self.width)

    def folds(self, scheme):
        from interest_tutorial.validation import splits
        if scheme == "test":
            return [(self.development, self.test)]
        folds = splits(self.log.events.iloc[self.development], "time" if scheme == "last cut" else scheme, SCHEMES[scheme], seed=0)
        return folds[-1:] if scheme == "last cut" else folds

    def predict(self, model, folds, **setting):
        from interest_tutorial.validation import out_of_fold
        if model == "dense" and len(folds) > 1 and len({len(train) for train, _ in folds}) == 1:
            setting = setting | dict(xla=None)                  # compiling pays where all folds have the same shape
        return out_of_fold(lambda: self.models[model](**setting), (self.F, self.y), folds, encoder=self.encoder, seed=self.seed)

    def score(self, model, folds, p, split):
        "Means over the folds, and for a world the log loss beyond that of p_best on the same rows: the regret."
        from interest_tutorial.validation import _results
        out = _results(self.y == 1, p, folds, METRICS, self.user, model)
        if self.truth is not None:
            ceiling = _results(self.y == 1, self.truth.p_best.to_numpy(), folds, ["log_loss"], self.user, model)
            out = pd.concat([out, ceiling.assign(metric="regret", value=out.value[out.metric == "log_loss"].to_numpy() - ceiling.value)])
        return out[out.repetition == "mean"].assign(data=self.data, repetition=self.seed, split=split)


def rates_over_all(log, F, rows):
    "The three rates as a join of a finished table would give them: over all development rows, the row's own answer included."
    e = pd.DataFrame(dict(user=log.events.user_id, item=log.events.item_id, y=log.events.interested, category=log.events.item_id.map(log.items.set_index("item_id").category)))
    known, F = e.iloc[rows], F.copy()
    prior = known.y.mean()
    for name, (keys, weight) in RATES.items():
        counted = e[keys].merge(known.groupby(keys).y.agg(["sum", "count"]), left_on=keys, right_index=True, how="left").fillna({"sum": 0, "count": 0})
        F[name] = ((counted["sum"] + weight * prior) / (counted["count"] + weight)).astype("float32")
        prior = F.user_rate if name == "item_rate" else prior  # the rate of user and category shrinks towards the user's, as in the course's features
    return F


def estimates(task, models, schemes):
    "Results of every model by every scheme, and later."
    for model in models:
        for scheme in [*schemes, "test"]:
            folds = task.folds(scheme)
            p = task.predict(model, folds)
            yield task.score(model, folds, p, scheme), model, scheme, folds, p


def world_task(seed):
    from interest_tutorial.world import make_world
    world = make_world(seed=seed)
    return Task("world", world.log, world.truth, seed=seed)


def over_worlds(one):
    "The tables of all worlds."
    for seed in range(SEED, SEED + WORLDS):
        yield one(seed)
        print(f"world {seed}", file=sys.stderr, flush=True)


def world_estimates(seed, models=("logistic", "boosted_trees", "dense"), schemes=tuple(SCHEMES)):
    task = world_task(seed)
    joined = Task("world, rates over all rows", task.log, seed=seed, F=rates_over_all(task.log, task.F, task.development))
    both = [*estimates(task, models, schemes), *estimates(joined, [m for m in models if m != "dense"], [s for s in schemes if s in ("kfold", "user", "time")])]
    return pd.concat([e[0] for e in both])


def movielens_estimates():
    "Estimates and later results, their differences, and the differences from the folds by user on the same rows; intervals over users."
    from interest_tutorial.behaviour import load_movielens
    from interest_tutorial.uncertainty import compare
    from interest_tutorial.validation import error_slices
    task, p = Task("movielens", load_movielens()), {}
    for out, model, scheme, folds, q in estimates(task, task.models, [s for s in SCHEMES if s != "session"]):
        p[model, scheme] = np.concatenate([rows for _, rows in folds]), q
        yield out
    for (model, scheme), (rows, q) in p.items():
        later, user = p[model, "test"][1], p[model, "user"][1]
        if scheme != "test":
            both, early = np.concatenate([rows, task.test]), np.r_[np.ones(len(rows), int), np.zeros(len(task.test), int)]
            d = error_slices(task.y[both], np.r_[q[rows], later[task.test]], dict(rows=early), task.user[both], metrics=["log_loss", "accuracy"], simultaneous=False)
            yield d[d.split == "rows 1"].assign(data="movielens", model=model, repetition="estimate - test", split=scheme)
        if scheme in ("kfold", "stratified"):
            d = compare(task.y[rows], q[rows], user[rows], task.user[rows])
            yield d.assign(data="movielens", model=model, repetition="estimate - user", split=scheme)


def validation():
    return pd.concat([*over_worlds(world_estimates), *movielens_estimates()]), dict(seeds=[SEED, SEED + WORLDS - 1], folds=SCHEMES)


def world_curse(seed):
    "The best of K boosted trees on n validation rows of one world: how much more it loses later than an average candidate, and what the choice gained."
    from sklearn.model_selection import ParameterSampler
    from interest_tutorial.uncertainty import _scores
    from interest_tutorial.validation import expected_optimism
    task, rng, rows = world_task(seed), np.random.default_rng(seed), []
    later = np.concatenate([task.split.validation, task.test])
    settings = ParameterSampler(grids()["boosted_trees"], CANDIDATES, random_state=0)
    p = np.stack([task.predict("boosted_trees", [(task.split.train, later)], **s)[later] for s in settings])
    for metric, sign in (("log_loss", 1), ("accuracy", -1)):
        cost = sign * np.stack([_scores(task.y[later] == 1, np.clip(q, 1e-15, 1 - 1e-15), metric) for q in p])
        validated, test = cost[:, :len(task.split.validation)], cost[:, len(task.split.validation):].mean(1)
        noise = (validated - validated.mean(0)).std(1, ddof=1)
        for n in (80, 320, len(task.split.validation)):
            drawn = np.stack([validated[:, rng.choice(validated.shape[1], n, replace=False)].mean(1) for _ in range(DRAWS)])
            for k in (1, 2, 4, 8, 16, 32, 64):
                some = np.stack([rng.choice(CANDIDATES, k, replace=False) for _ in range(DRAWS)])
                best = some[np.arange(DRAWS), np.take_along_axis(drawn, some, 1).argmin(1)]
                optimism = (test[best] - drawn[np.arange(DRAWS), best]) - (test[None] - drawn).mean(1)
                rows.append((seed, metric, n, k, optimism.mean(), (test.mean() - test[best]).mean(), expected_optimism(k, np.sqrt((noise**2).mean() / n))))
    return pd.DataFrame(rows, columns=["repetition", "metric", "n_rows", "candidates", "optimism", "gain", "expected"])


def winners_curse():
    return pd.concat(over_worlds(world_curse)), dict(seeds=[SEED, SEED + WORLDS - 1], draws=DRAWS)


def world_tuning(seed, models=("logistic", "boosted_trees", "dense")):
    "Each model with its defaults and tuned on the validation rows, and two of them tuned and nested by users."
    from interest_tutorial.validation import nested, splits, tune
    task, chosen, out = world_task(seed), grids(), []
    single, test, events = [(task.split.train, task.split.validation)], task.folds("test"), task.log.events
    for model in models:
        trials, best = tune(task.models[model], chosen[model], (task.F, task.y), single, budget=BUDGET, encoder=task.encoder, seed=seed)
        for name, setting in ((model, {}), (f"{model}, tuned", best)):
            for split, folds in (("validation", single), ("test", test)):
                out.append(task.score(name, folds, task.predict(model, folds, **setting), split))
    for model in (m for m in models if m != "dense"):
        build, X, y = task.models[model], task.F.iloc[task.development], task.y[task.development]
        def by_user(rows): return splits(events.iloc[rows], "user", 3)
        folds, name = by_user(task.development), f"{model}, tuned by users"
        trials, best = tune(build, chosen[model], (X, y), folds, budget=BUDGET, encoder=task.encoder, seed=seed)
        whole = nested(build, chosen[model], (X, y), folds, by_user, budget=BUDGET, encoder=task.encoder, seed=seed, groups=task.user[task.development], model=name)
        out.append(whole[whole.repetition == "mean"].assign(data="world", repetition=seed, split="nested"))
        out.append(task.score(name, test, task.predict(model, test, **best), "test"))
        out.append(task.score(name, folds, task.predict(model, folds, **best), "best trial"))
    return pd.concat(out)


def tuning():
    return pd.concat(over_worlds(world_tuning)), dict(seeds=[SEED, SEED + WORLDS - 1], budget=BUDGET)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    makers = {f.__name__: f for f in (validation, winners_curse, tuning)}
    parser.add_argument("table", nargs="*", help=", ".join(makers) + "; default: all")
    arguments = parser.parse_args()
    for name in arguments.table:
        if name not in makers:
            parser.error(f"{name} is no table, give some of {', '.join(makers)}")
    for name in arguments.table or makers:
        table, made = makers[name]()
        table = table if name == "winners_curse" else table.reindex(columns=COLUMNS)
        keep(name, table, f"python benchmarks/validation.py {name}", CODE, **made, tolerance=TOLERANCE)
