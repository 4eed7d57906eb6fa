"""A JupyterLab server over a copy of nbs/, a headless Chromium, and the closing table."""
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
INSTALL = "no Chromium found: install one with `make browser`, or on Debian with `sudo apt-get install chromium`"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SETTINGS = {                                    # every cell in the page, also those far below; nothing asks the internet
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@pytest.fixture(scope="session")
def browser():
    "Playwright's own Chromium, or else the system's."
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    options = {"args": ["--disable-gpu", *(["--no-sandbox"] if root else [])]}
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path).exists()
        found = None if own else next((p for b in BROWSERS if (p := shutil.which(b))), None)
        if not own and not found:
            pytest.fail(INSTALL, pytrace=False)
        browser = playwright.chromium.launch(executable_path=found, **options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    "JupyterLab over a copy of the notebooks, with settings and a runtime folder of its own: the function gives an address, `lab/tree/x.ipynb` or `api/sessions`."
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "nbs", home / "nbs", ignore=shutil.ignore_patterns(".ipynb_checkpoints", "interest_run"))
    for name, values in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    token = secrets.token_hex(16)
    env = os.environ | {"JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_RUNTIME_DIR": str(home / "runtime"), "JUPYTER_TOKEN": token,
                        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port_retries=100",
               "--LabApp.extension_manager=readonly", f"--ServerApp.root_dir={home / 'nbs'}"]
    with open(home / "log.txt", "w", encoding="utf-8") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=home)
    try:
        address = _address(server, home)
        yield lambda path: f"{address}{path}?token={token}&reset"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def _address(server, home, seconds=90):
    "Where the server listens, from the file that it writes once it does."
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        for info in (home / "runtime").glob("jpserver-*.json"):
            try:
                return json.loads(info.read_text(encoding="utf-8"))["url"]
            except json.JSONDecodeError:          # half written: read again
                pass
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start in {seconds} s:\n{(home / 'log.txt').read_text(encoding='utf-8')[-3000:]}", pytrace=False)


def pytest_terminal_summary(terminalreporter):
    "One line a notebook: how long, and what was seen on the page."
    reports = [r for key in ("passed", "failed") for r in terminalreporter.stats.get(key, []) if r.when == "call" and r.user_properties]
    for r in sorted(reports, key=lambda r: r.nodeid):
        seen = ", ".join(f"{v} {k}" for k, v in r.user_properties)
        terminalreporter.write_line(f"{r.nodeid.split('[')[1].rstrip(']'):15} {r.duration:4.0f} s  {r.outcome}: {seen}")
