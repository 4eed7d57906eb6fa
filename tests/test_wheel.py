"""The package works without the repository: a wheel, alone in a bare environment, one function of each module."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = {p.stem for p in (ROOT / "interest_tutorial").glob("*.py") if not p.name.startswith("_")}
USE = '''
import numpy as np, pandas as pd, tempfile, os
import interest_tutorial
assert "site-packages" in interest_tutorial.__file__, interest_tutorial.__file__
from interest_tutorial.course import check; check(1, ("is one", lambda a: a == 1), strict=True)
from interest_tutorial.behaviour import check_events
from interest_tutorial.world import make_world; world = make_world(n_events=400); check_events(world.log.events)
from interest_tutorial.logistic import sigmoid; assert sigmoid(0) == 0.5
from interest_tutorial.cleaning import clean; assert clean(world.log)[0].events.equals(world.log.events)
from interest_tutorial.features import behaviour_features, split_by_time; F = behaviour_features(world.log)
from interest_tutorial.encoding import FeatureEncoder; X = FeatureEncoder().fit(F).transform(F)
from interest_tutorial.dense import dense_model; assert dense_model(X.shape[1])(X).shape == (400, 1)
from interest_tutorial.training import train; assert len(train(dense_model(X.shape[1]), X, world.log.events.interested, epochs=1)) == 3
y, p = world.log.events.interested.to_numpy(), world.truth.p.to_numpy()
from interest_tutorial.metrics import auc; assert auc(y, p) > 0.8
from interest_tutorial.uncertainty import evaluate; assert len(evaluate(y, p, world.log.events.user_id)) == 3
from interest_tutorial.validation import splits; assert len(splits(world.log.events, "time")) == 5
from interest_tutorial.overfitting import session_counters; assert len(session_counters(world.log)) == 400
from interest_tutorial.remedies import remedies; assert len(remedies()) > 12
from interest_tutorial.cli import main; assert main(["run", "--epochs", "0"]) == 2
'''


def run(*command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_module_is_used():
    assert all(f"from interest_tutorial.{m} import" in USE for m in MODULES), MODULES


def test_wheel_alone(tmp_path):
    bin = Path(sys.executable).parent
    uv = bin / ("uv.exe" if os.name == "nt" else "uv")
    env = os.environ | {"UV_COMPILE_BYTECODE": "0", "UV_PYTHON_DOWNLOADS": "never"}
    source = tmp_path / "source"                               # a copy: a build/ left in the repository would enter later wheels
    source.mkdir()
    for name in ("settings.ini", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "interest_tutorial", source / "interest_tutorial", ignore=shutil.ignore_patterns("__pycache__"))
    run(uv, "build", "--quiet", "--wheel", "--out-dir", tmp_path, "--python", sys.executable, source, env=env)
    (wheel,) = tmp_path.glob("*.whl")
    run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "bare", env=env)
    python = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pins = ROOT / "constraints.txt"                            # the weekly job removes it
    run(uv, "pip", "install", "--quiet", "--python", python, *(["--constraint", pins] if pins.exists() else []), wheel, env=env)
    run(python, "-c", USE, cwd=tmp_path)
    command = python.with_name("interest-tutorial.exe" if os.name == "nt" else "interest-tutorial")
    assert "interest_tutorial" in run(command, "--version", cwd=tmp_path)
