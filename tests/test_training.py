"""The training engine: the same numbers as Keras's `fit`, the paths it takes, what it refuses, and what an interrupt leaves. `pytest -s` shows the messages."""
import numpy as np
import pandas as pd
import pytest

from interest_tutorial.course import load_tensorflow

tf = load_tensorflow()
import keras  # noqa: E402

from interest_tutorial.dense import dense_model  # noqa: E402
from interest_tutorial.features import Split  # noqa: E402
from interest_tutorial.training import by_part, repeat, train  # noqa: E402
from refusals import refused  # noqa: E402

L = keras.layers
rng = np.random.default_rng(41)
X = rng.normal(size=(300, 5))                              # 9 batches of 32 and one of 12
y = (rng.random(300) < 1 / (1 + np.exp(-2 * X[:, 0] * X[:, 1]))).astype("int8")
V = rng.normal(size=(70, 5)), rng.integers(0, 2, 70)
IDS = rng.integers(0, 20, 300)


@pytest.fixture
def float64():
    keras.config.set_floatx("float64"), keras.config.set_dtype_policy("float64")      # the policy is kept from the first model on
    yield
    keras.config.set_floatx("float32"), keras.config.set_dtype_policy("float32")


def network(*extra, regularizer=None, loss="binary_crossentropy", optimizer=None):
    model = keras.Sequential([L.Input((5,)), L.Dense(8, "relu", kernel_regularizer=regularizer), *extra, L.Dense(1, "sigmoid")])
    model.compile(optimizer or keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


def two_inputs():
    x, i = L.Input((5,), name="x"), L.Input((), dtype="int32", name="id")
    model = keras.Model({"x": x, "id": i}, L.Dense(1, "sigmoid")(L.Concatenate()([x, L.Embedding(20, 3)(i)])))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def values(history, split, metric):
    return history.query("split == @split and metric == @metric").value.to_numpy()


K = keras.optimizers
DECAY = dict(initial_learning_rate=0.02, decay_steps=7, decay_rate=0.8)
SAME = {
    "dense": (network, {}),
    "L1, L2, batch normalisation, schedule": (lambda: network(L.BatchNormalization(), regularizer=keras.regularizers.L1L2(1e-3, 1e-2), optimizer=K.Adam(K.schedules.ExponentialDecay(**DECAY))), {}),
    "layer normalisation, weight decay, clipped gradients, moving average of weights": (lambda: network(L.LayerNormalization(), optimizer=K.AdamW(0.01, weight_decay=0.1, clipnorm=0.05, use_ema=True)), {}),
    "momentum, label smoothing, sample weights": (lambda: network(optimizer=K.SGD(0.1, momentum=0.9, nesterov=True), loss=keras.losses.BinaryCrossentropy(label_smoothing=0.1)), dict(sample_weight=rng.random(300))),
    "class weights": (network, dict(class_weight={0: 1.0, 1: 3.0})),
    "embedding": (two_inputs, dict(X={"x": X, "id": IDS}, validation=({"x": V[0], "id": IDS[:70]}, V[1]))),
    "one batch": (network, dict(batch_size=300)),
    "less than a batch": (network, dict(batch_size=512)),
    "batches of one": (network, dict(batch_size=1)),
}


@pytest.mark.parametrize("name, xla", [(name, True) for name in SAME] + [(name, False) for name in ("L1, L2, batch normalisation, schedule", "embedding")])
def test_every_epoch_equals_fit_in_float64(name, xla, float64):
    build, options = SAME[name]
    options = dict(X=X, validation=V) | options
    keras.utils.set_random_seed(1)
    ours = build()
    keras.utils.set_random_seed(1)
    theirs = build()
    history = train(ours, y=y, epochs=4, shuffle=False, xla=xla, **options)
    A, validation = options.pop("X"), options.pop("validation")
    fitted = theirs.fit(A, y, epochs=4, shuffle=False, verbose=0, validation_data=validation, **options).history
    for split, prefix in (("train", ""), ("validation", "val_")):
        for metric in ("loss", "accuracy"):
            np.testing.assert_allclose(values(history, split, metric), fitted[prefix + metric], rtol=0, atol=1e-10)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)
    assert (values(history, "train", "xla") == xla).all()


def shuffled_fit(model, seed, epochs, **options):
    "Keras's `fit` in the batch order of the engine, and its training losses."
    order = np.random.default_rng(seed)
    losses = []
    for _ in range(epochs):
        rows = order.permutation(len(y))
        order.integers(2**31)
        losses += model.fit(X[rows], y[rows], epochs=1, shuffle=False, verbose=0, **options).history["loss"]
    return losses


def test_batch_order_is_the_documented_one(float64):
    keras.utils.set_random_seed(1)
    history = train(network(), X, y, seed=7, epochs=3)
    keras.utils.set_random_seed(1)
    np.testing.assert_allclose(values(history, "train", "loss"), shuffled_fit(network(), 7, 3), rtol=0, atol=1e-10)


def test_first_epoch_equals_fit_in_float32():
    keras.utils.set_random_seed(1)
    history = train(network(), X, y, seed=7, epochs=1)
    keras.utils.set_random_seed(1)
    np.testing.assert_allclose(values(history, "train", "loss"), shuffled_fit(network(), 7, 1), rtol=0, atol=1e-5)


def test_early_stopping_keeps_the_best_weights_as_fit_does(float64):
    stop = lambda: keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    models, epochs = [], []
    for ours in (True, False):
        keras.utils.set_random_seed(3)
        model = network(optimizer=keras.optimizers.Adam(0.1))
        if ours:
            epochs.append(train(model, X, y, validation=V, epochs=40, shuffle=False, xla=False, callbacks=[stop()]).epoch.max())
        else:
            epochs.append(len(model.fit(X, y, validation_data=V, epochs=40, shuffle=False, callbacks=[stop()], verbose=0).epoch))
        models.append(model)
    assert epochs[0] == epochs[1] < 40
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)


def test_other_callbacks_of_epochs(float64):
    losses = []
    for ours in (True, False):
        keras.utils.set_random_seed(3)
        model = network()
        callbacks = [keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.1, patience=1, min_delta=1), keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9)]
        options = dict(epochs=5, shuffle=False, callbacks=callbacks)
        losses.append(values(train(model, X, y, validation=V, xla=False, **options), "train", "loss") if ours else model.fit(X, y, validation_data=V, verbose=0, **options).history["loss"])
    np.testing.assert_allclose(*losses, rtol=0, atol=1e-10)


@keras.saving.register_keras_serializable("test")
class Uncompilable(L.Layer):
    "A layer with an operation that XLA does not know."
    def call(self, x):
        return tf.ensure_shape(tf.py_function(lambda a: a * 1.0, [x], x.dtype), x.shape) + 0 * x


def test_a_layer_that_does_not_compile_falls_back():
    history = train(network(Uncompilable()), X, y, epochs=2, shuffle=False)
    assert (values(history, "train", "xla") == 0).all() and np.isfinite(history.value).all()
    with pytest.raises(tf.errors.OpError):
        train(network(Uncompilable()), X, y, epochs=2, xla=True)


def test_random_layers_run_uncompiled_on_a_cpu():
    history = train(network(L.Dropout(0.5)), X, y, epochs=2)
    assert (values(history, "train", "xla") == bool(tf.config.list_physical_devices("GPU"))).all()
    assert (values(train(network(L.Dropout(0.5)), X, y, epochs=1, xla=True), "train", "xla") == 1).all()


def test_dropout_draws_the_masks_of_fit(float64):
    losses = []
    for ours in (True, False):
        keras.utils.set_random_seed(5)
        model = network(L.Dropout(0.5))
        losses.append(values(train(model, X, y, epochs=3, shuffle=False), "train", "loss") if ours else model.fit(X, y, epochs=3, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=0, atol=1e-10)


def test_augment_sees_each_batch_with_a_seed_of_its_own():
    seen = []

    def augment(a, b, seed):
        tf.py_function(lambda n, s: seen.append((int(n), *s.numpy())), [tf.shape(a)[0], seed], [])
        return a + tf.random.stateless_normal(tf.shape(a), seed, stddev=0.1), b * 0.9

    once = train(network(), X, y, epochs=2, seed=1, augment=augment)
    assert sorted((i, n) for n, _, i in seen) == sorted([(i, 32) for i in range(9)] * 2 + [(9, 12)] * 2)
    assert len({epoch for _, epoch, _ in seen}) == 2 and len(set(seen)) == 20
    assert (values(once, "train", "xla") == 0).all()


def test_augment_is_reproducible():
    def augment(a, b, seed):
        return a + tf.random.stateless_normal(tf.shape(a), seed, stddev=0.3, dtype=a.dtype), b
    runs = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(0)
        runs.append(values(train(network(), X, y, epochs=2, seed=seed, shuffle=False, augment=augment), "train", "loss"))
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).min() > 1e-5


# ---- repeat
PARTS = {"train": (X, y), "validation": V, "test": (X[:40], y[:40])}


@pytest.mark.parametrize("build", [network, lambda: network(L.Dropout(0.3)), lambda: network(L.BatchNormalization(), optimizer=keras.optimizers.SGD(0.1, momentum=0.9))], ids=["plain", "dropout", "normalised"])
def test_a_repetition_equals_a_training_alone(build):
    options = dict(epochs=2, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)], xla=None if build is network else False)
    kept = []
    history = repeat(build, PARTS, [3, 1], each=lambda seed, model, parts, history: kept.append(model.get_weights()), **options)
    for i, seed in enumerate([3, 1]):
        keras.utils.set_random_seed(seed)
        model = build()
        alone = train(model, X, y, validation=V, seed=seed, **options)
        part = history.iloc[i * len(history) // 2:(i + 1) * len(history) // 2].query("split != 'test'")
        pd.testing.assert_frame_equal(part.reset_index(drop=True), alone, check_exact=False, rtol=1e-6)
        for a, b in zip(kept[i], model.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert list(dict.fromkeys(history.split)) == ["train", "validation", "test"]


def test_data_by_seed_and_rows_that_change():
    sizes = []
    def data(seed): return {"train": (X[: 200 + seed], y[: 200 + seed]), "late": V}
    history = repeat(network, data, range(2), epochs=1, xla=False, each=lambda seed, model, parts, history: sizes.append(len(parts["train"][1])))
    assert sizes == [200, 201] and history.seed.tolist() == sorted(history.seed) and set(history.split) == {"train", "late"}
    widths = iter((5, 4))
    def narrower(seed): return {"train": (X[:, : 5 - seed], y)}
    repeat(lambda: dense_model(next(widths)), narrower, [0, 1], epochs=1, xla=False)


def test_compiled_once(monkeypatch):
    calls = []
    function = tf.function
    monkeypatch.setattr(tf, "function", lambda *a, **k: calls.append(k) or function(*a, **k))
    repeat(network, PARTS, range(4), epochs=2)
    assert [k["jit_compile"] for k in calls].count(True) == 1 and len(calls) == 2


VARIED = {
    "learning rate": lambda seed: network(optimizer=K.Adam([0.001, 0.1][seed])),
    "loss": lambda seed: network(loss=["binary_crossentropy", "mse"][seed]),
    "layers of the same shapes": lambda seed: network(L.Activation(["tanh", "relu"][seed])),
    "frozen layer": lambda seed: frozen(network(), seed),
    "state of the optimizer": lambda seed: fitted(network()),
}


def frozen(model, seed):
    model.layers[0].trainable = not seed
    return model


def fitted(model):
    model.fit(X, y, epochs=1, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("name", VARIED)
def test_builds_that_differ_are_not_taken_for_the_same(name):
    order, kept, alone = iter((0, 1)), [], []
    repeat(lambda: VARIED[name](next(order)), PARTS, [0, 1], epochs=1, xla=False, each=lambda seed, model, parts, history: kept.append(model.get_weights()))
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        model = VARIED[name](seed)
        train(model, X, y, seed=seed, epochs=1, xla=False)
        alone.append(model.get_weights())
    for a, b in zip(kept[1], alone[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_model_compiled_anew_by_each():
    def meddle(seed, model, parts, history):
        model.compile("sgd", "mse")
    first = repeat(network, PARTS, [0, 1], epochs=1, each=meddle, xla=False)
    pd.testing.assert_frame_equal(first, repeat(network, PARTS, [0, 1], epochs=1, xla=False), rtol=1e-5)


def test_each_gets_the_history():
    kept = []
    history = repeat(network, PARTS, [0, 1], epochs=1, xla=False, each=lambda seed, model, parts, history: kept.append(history))
    pd.testing.assert_frame_equal(pd.concat(kept, ignore_index=True), history)


def test_callbacks_around_the_evaluation(float64):
    losses = []
    for ours in (True, False):
        keras.utils.set_random_seed(3)
        model = network(optimizer=K.Adam(0.05, use_ema=True, ema_momentum=0.9))
        options = dict(epochs=3, shuffle=False, callbacks=[keras.callbacks.SwapEMAWeights()])
        losses.append(values(train(model, X, y, validation=V, xla=False, **options), "validation", "loss") if ours else model.fit(X, y, validation_data=V, verbose=0, **options).history["val_loss"])
    np.testing.assert_allclose(*losses, rtol=0, atol=1e-10)


def test_a_checkpoint_of_each_epoch(tmp_path):
    keep = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss", save_best_only=True)
    model = network()
    history = train(model, X, y, validation=V, epochs=3, callbacks=[keep], xla=False)
    best = keras.models.load_model(tmp_path / "best.keras").evaluate(*V, verbose=0)[0]
    assert best == pytest.approx(values(history, "validation", "loss").min(), abs=1e-6)


class Own(keras.Model):
    "A model with a training step and a metric of its own."
    def __init__(self):
        super().__init__()
        self.out, self.mine = L.Dense(1, "sigmoid"), keras.metrics.Mean("mine")
        self.build((None, 5))
    def build(self, shape): self.out.build(shape); self.built = True
    def call(self, x): return self.out(x)
    def train_step(self, batch):
        with tf.GradientTape() as tape: loss = tf.reduce_mean(keras.losses.binary_crossentropy(batch[1][:, None], self(batch[0])))
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.trainable_variables), self.trainable_variables))
        self.mine.update_state(loss)
        return {"mine": self.mine.result()}
    @property
    def metrics(self): return [self.mine]


def test_a_training_step_of_ones_own():
    keras.utils.set_random_seed(0)
    model = Own()
    model.compile(K.Adam(0.01), "binary_crossentropy")
    history = train(model, X, y, epochs=3)
    assert list(dict.fromkeys(history.metric)) == ["mine", "xla"] and values(history, "train", "mine")[2] < values(history, "train", "mine")[0]


def test_by_part():
    split = Split(np.array([0, 1]), np.array([2]), np.array([3, 4]))
    parts = by_part(split, X, list(y))
    assert list(parts) == ["train", "validation", "test"]
    np.testing.assert_array_equal(parts["test"][0], X[3:5])
    np.testing.assert_array_equal(parts["test"][1], y[3:5])


# ---- what is refused
def spoiled(i, j, value):
    out = X.copy()
    out[i, j] = value
    return out


def linear(optimizer):
    model = keras.Sequential([L.Input((5,)), L.Dense(1)])
    model.compile(optimizer, "mse")
    return model


def one_column():
    model = keras.Sequential([L.Input(()), L.Embedding(20, 2), L.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    return model


class OnBatches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None): pass


REFUSED = {
    "NaN": (lambda m: train(m, spoiled(7, 3, np.nan), y), ValueError, "X of train must be finite, got nan in row 7, column 3"),
    "infinity in validation": (lambda m: train(m, X, y, validation=(spoiled(1, 0, -np.inf), y)), ValueError, "X of validation must be finite, got -inf in row 1, column 0"),
    "text": (lambda m: train(m, X.astype(str), y), TypeError, "X of train must be an array of numbers"),
    "None": (lambda m: train(m, None, y), TypeError, "X of train"),
    "a number": (lambda m: train(m, 3, y), TypeError, "shape ()"),
    "no rows": (lambda m: train(m, X[:0], y[:0]), ValueError, "train has no rows"),
    "empty validation": (lambda m: train(m, X, y, validation=(X[:0], y[:0])), ValueError, "validation has no rows"),
    "validation without labels": (lambda m: train(m, X, y, validation=X), ValueError, "validation must be a tuple (X, y)"),
    "wrong columns": (lambda m: train(m, X[:, :4], y), ValueError, "shape"),
    "short y": (lambda m: train(m, X, y[:-1]), ValueError, "must have shape (300,) because X has 300 rows, got (299,)"),
    "column y": (lambda m: train(m, X, y[:, None]), ValueError, "got (300, 1)"),
    "one class": (lambda m: train(m, X, y * 0), ValueError, "y of train is 0 in all 300 rows"),
    "labels -1 and 1": (lambda m: train(m, X, 2 * y - 1), ValueError, "must be 0 or 1, got -1"),
    "NaN label": (lambda m: train(m, X, np.where(np.arange(300) == 5, np.nan, y)), ValueError, "got nan in row 5"),
    "text labels": (lambda m: train(m, X, y.astype(str)), TypeError, "labels 0 and 1"),
    "epochs 0": (lambda m: train(m, X, y, epochs=0), ValueError, "epochs must be at least 1, got 0"),
    "epochs 2.5": (lambda m: train(m, X, y, epochs=2.5), TypeError, "epochs must be a whole number, got 2.5"),
    "batch 0": (lambda m: train(m, X, y, batch_size=0), ValueError, "batch_size must be at least 1, got 0"),
    "seed -1": (lambda m: train(m, X, y, seed=-1), ValueError, "seed must be at least 0, got -1"),
    "weights too short": (lambda m: train(m, X, y, sample_weight=[1, 2]), ValueError, "sample_weight must have shape (300,)"),
    "negative weights": (lambda m: train(m, X, y, sample_weight=-np.ones(300)), ValueError, "at least 0"),
    "weights all 0": (lambda m: train(m, X, y, sample_weight=np.zeros(300)), ValueError, "not all 0"),
    "class weight of one": (lambda m: train(m, X, y, class_weight={1: 2}), ValueError, "class_weight must map 0 and 1"),
    "NaN class weight": (lambda m: train(m, X, y, class_weight={0: 1, 1: np.nan}), ValueError, "finite"),
    "callback of batches": (lambda m: train(m, X, y, callbacks=[OnBatches()]), ValueError, "OnBatches has on_train_batch_end"),
    "lambda of batches": (lambda m: train(m, X, y, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_begin=lambda b, logs: None)]), ValueError, "on_train_batch_begin"),
    "no callback": (lambda m: train(m, X, y, callbacks=["early"]), TypeError, "got 'early'"),
    "no model": (lambda m: train("model", X, y), TypeError, "model must be a Keras model, got str"),
    "not compiled": (lambda m: train(keras.Sequential([L.Input((5,)), L.Dense(1)]), X, y), ValueError, "not compiled"),
    "not built": (lambda m: train(keras.Sequential([L.Dense(1)]), X, y), ValueError, "not built"),
    "diverges": (lambda m: train(linear(keras.optimizers.SGD(1e30)), X, y), FloatingPointError, "after epoch 1: lower the learning rate"),
    "inputs of two lengths": (lambda m: train(two_inputs(), {"x": X, "id": IDS[:-1]}, y), ValueError, "same number of rows, got"),
    "id beyond its embedding": (lambda m: train(two_inputs(), {"x": X, "id": IDS + 1}, y), ValueError, "20 is not in [0, 20)"),
    "id in a column of numbers": (lambda m: train(one_column(), np.where(IDS == 3, 20, IDS).astype("float32"), y), ValueError, "the model fails on the rows of train: Exception encountered when calling Embedding.call(). indices[0] = 20 is not in [0, 20)"),
    "id beyond its embedding in validation": (lambda m: train(two_inputs(), {"x": X, "id": IDS}, y, validation=({"x": X, "id": IDS + 1}, y), epochs=1), ValueError, "the model fails on the rows of validation: indices"),
    "no seeds": (lambda m: repeat(network, PARTS, []), ValueError, "seeds is empty"),
    "seed of text": (lambda m: repeat(network, PARTS, ["a"]), TypeError, "seed must be a whole number, got 'a'"),
    "data without train": (lambda m: repeat(network, {"test": V}, [0]), ValueError, "'train' among them"),
    "data a tuple": (lambda m: repeat(network, (X, y), [0]), ValueError, "data must map the names of parts"),
    "part an array": (lambda m: repeat(network, {"train": X}, [0]), ValueError, "train must be a tuple (X, y) or (X, y, weights), got ndarray"),
    "the same model twice": (lambda m: repeat(lambda: m, PARTS, [0, 1], epochs=1), ValueError, "the same model twice"),
    "build no function": (lambda m: repeat("m", PARTS, [0]), TypeError, "build must be a function"),
    "one seed": (lambda m: repeat(network, PARTS, 3), TypeError, "seeds must be whole numbers such as range(20), got 3"),
    "augment no function": (lambda m: train(m, X, y, augment="noise"), TypeError, "augment must be a function"),
    "one callback": (lambda m: train(m, X, y, callbacks=keras.callbacks.EarlyStopping()), TypeError, "callbacks must be a list"),
    "callbacks None": (lambda m: train(m, X, y, callbacks=None), TypeError, "callbacks must be a list"),
    "class weight of text": (lambda m: train(m, X, y, class_weight={0: "1", 1: "2"}), TypeError, "class_weight must map 0 and 1"),
    "no split": (lambda m: by_part([0], X, y), TypeError, "split must be a Split, got list"),
    "parts of two lengths": (lambda m: by_part(Split(IDS, IDS, IDS), X, y[:-1]), ValueError, "as many rows, got shapes (300, 5) and (299,)"),
    "build gives None": (lambda m: repeat(lambda: None, PARTS, [0]), TypeError, "got NoneType"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    model = network()
    before = model.get_weights()
    call, error, words = REFUSED[name]
    refused(lambda: call(model), error, words)
    if name != "the same model twice":
        for a, b in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(a, b)


def test_an_interrupt_leaves_whole_epochs():
    def stop(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt
    keras.utils.set_random_seed(0)
    interrupted = network()
    with pytest.raises(KeyboardInterrupt):
        train(interrupted, X, y, epochs=5, xla=False, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=stop)])
    keras.utils.set_random_seed(0)
    whole = network()
    train(whole, X, y, epochs=2, xla=False)
    for a, b in zip(interrupted.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    kept = []
    with pytest.raises(KeyboardInterrupt):
        repeat(network, PARTS, range(3), epochs=1, xla=False, each=lambda seed, model, parts, history: kept.append(seed) if seed < 1 else stop(1, None))
    assert kept == [0]


def test_inputs_are_left_alone_and_the_model_can_be_saved(tmp_path):
    a, b = X.copy(), y.copy()
    model = network()
    train(model, a, b, epochs=1)
    np.testing.assert_array_equal(a, X)
    np.testing.assert_array_equal(b, y)
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "m.keras").predict(X, verbose=0), model.predict(X, verbose=0))
    model.fit(X, y, epochs=1, verbose=0)                   # and trained on by Keras


def test_silent(capfd):
    for _ in range(5):
        train(network(), X, y, validation=V, epochs=1, xla=False)              # no warning of retracing
    train(network(), X, y, epochs=1)
    assert capfd.readouterr() == ("", "")
