"""Nonsense for the functions of `dense`. The message of each error is printed."""
import numpy as np
import pytest

from interest_tutorial.dense import adam_step, backward, count_parameters, dense_model, forward
from refusals import refused

rng = np.random.default_rng(0)
WEIGHTS = [rng.normal(size=(2, 3)), np.zeros(3), rng.normal(size=(3, 1)), np.zeros(1)]
X, y = rng.normal(size=(4, 2)), np.array([0, 1, 0, 1])
WRONG = [WEIGHTS[0], np.zeros(2), *WEIGHTS[2:]]


@pytest.mark.parametrize("call, error, words", [
    (lambda: dense_model(0), ValueError, "got 0"),
    (lambda: dense_model(2.5), TypeError, "got 2.5"),
    (lambda: dense_model("21"), TypeError, "got '21'"),
    (lambda: dense_model(True), TypeError, "got True"),
    (lambda: dense_model(2, hidden=(0,)), ValueError, "got 0"),
    (lambda: dense_model(2, hidden=8), TypeError, "got 8"),
    (lambda: dense_model(2, learning_rate=0), ValueError, "learning_rate"),
    (lambda: dense_model(2, learning_rate=float("nan")), ValueError, "learning_rate"),
    (lambda: count_parameters(-1), ValueError, "got -1"),
    (lambda: forward(WEIGHTS, X[:, :1]), ValueError, "2"),
    (lambda: forward(WEIGHTS, X[0]), ValueError, "shape (2,)"),
    (lambda: forward(WEIGHTS[:3], X), ValueError, "weights"),
    (lambda: forward(WRONG, X), ValueError, "bias"),
    (lambda: forward(WEIGHTS, X * np.nan), ValueError, "finite"),
    (lambda: forward(None, X), ValueError, "weights"),
    (lambda: forward(WEIGHTS, None), TypeError, "X"),
    (lambda: backward(WEIGHTS, X, y + 1), ValueError, "got 2"),
    (lambda: backward(WEIGHTS, X, y[:3]), ValueError, "3"),
    (lambda: backward(WEIGHTS, X[:0], y[:0]), ValueError, "0"),
    (lambda: adam_step(WEIGHTS, WEIGHTS[:2]), ValueError, "gradients"),
    (lambda: adam_step(WEIGHTS, WRONG), ValueError, "shape"),
    (lambda: adam_step(WEIGHTS, WEIGHTS, learning_rate=-1), ValueError, "learning_rate"),
    (lambda: adam_step(WEIGHTS, WEIGHTS, beta_1=1), ValueError, "beta_1"),
    (lambda: adam_step(WEIGHTS, WEIGHTS, epsilon=0), ValueError, "epsilon"),
    (lambda: adam_step(WEIGHTS, WEIGHTS, state=3), ValueError, "state"),
])
def test_nonsense(call, error, words):
    refused(call, error, words)


def test_inputs_are_left_alone():
    before = [w.copy() for w in WEIGHTS]
    _, state = adam_step(WEIGHTS, backward(WEIGHTS, X, y))
    adam_step(WEIGHTS, backward(WEIGHTS, X, y), state)
    for w, b in zip(WEIGHTS, before):
        np.testing.assert_array_equal(w, b)


def test_accepts_what_keras_lists():
    "Float32 arrays straight from `get_weights`, any depth, and no hidden layer at all."
    for hidden in ((128, 64), (5,), ()):
        model = dense_model(3, hidden)
        batch = rng.normal(size=(7, 3)).astype("float32")
        p = model.predict(batch, verbose=0)[:, 0]
        np.testing.assert_allclose(1 / (1 + np.exp(-forward(model.get_weights(), batch))), p, atol=1e-5)
        assert count_parameters(3, hidden) == model.count_params()
