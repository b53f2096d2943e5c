"""``vbench ui``: the MLflow UI and the reports."""

from __future__ import annotations

import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
from browsing import browser, needs_browser
from click.testing import CliRunner
from fabricate import fabricate
from vbench_plugins.tracking.ui import _environment, _serve_mlflow, command, free_port, serve_pages

from vbench.errors import StoreError
from vbench.report import write_report


def test_a_taken_port_is_said_before_anything_starts():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(StoreError, match="name another"):
            free_port(other.getsockname()[1])
    assert free_port(0) > 0


def test_an_empty_results_folder_is_said(tmp_path):
    result = CliRunner().invoke(command, ["--out", str(tmp_path)])
    assert isinstance(result.exception, StoreError)


def test_only_reports_and_viewers_are_served_and_only_to_this_machine(tmp_path):
    made = fabricate(tmp_path, truth={"real": 0.9}, failed=None)
    write_report(made.folder)
    base = f"http://127.0.0.1:{serve_pages(tmp_path)}"

    def status(path, host=None):
        request = urllib.request.Request(base + path, headers={"Host": host} if host else {})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert status("/demo/report.html") == 200
    assert status("/demo/plan.json") == 404
    assert status("/demo/") == 404
    assert status("/demo/../demo/plan.json") == 404
    assert status("/demo/report.html", host="elsewhere.example:80") == 404
    (tmp_path / "demo" / "viewer.html").symlink_to("/etc/hostname")
    assert status("/demo/viewer.html") == 404


def test_mlflow_answers_to_this_machines_names_only(monkeypatch):
    from mlflow.server.security_utils import is_allowed_host_header

    monkeypatch.setenv("MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", "true")
    monkeypatch.setenv("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", "*")
    env = _environment("sqlite:///a.db", 5000)
    assert not {name for name in env if "SECURITY" in name or "ORIGINS" in name}
    allowed = env["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    for host in ("127.0.0.1:5000", "localhost:5000"):
        assert is_allowed_host_header(allowed, host)
    for host in ("elsewhere.example:5000", "10.elsewhere.example:5000", "192.168.0.7:5000", ""):
        assert not is_allowed_host_header(allowed, host)


def test_mlflow_says_only_what_went_wrong_unless_asked(monkeypatch):
    names = ("MLFLOW_LOGGING_LEVEL", "UVICORN_LOG_LEVEL", "PYTHONWARNINGS")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    quiet = _environment("sqlite:///a.db", 5000)
    assert [quiet[name].lower() for name in names[:2]] == ["warning", "warning"]
    said = "import warnings; warnings.warn('starlette.middleware.wsgi is deprecated and …')"
    said += "; warnings.warn('a fault')"
    call = [sys.executable, "-c", said]
    err = subprocess.run(call, env=quiet, capture_output=True, text=True, check=True).stderr
    assert "a fault" in err
    assert "deprecated" not in err
    assert not set(names) & set(_environment("sqlite:///a.db", 5000, verbose=True))
    monkeypatch.setenv("UVICORN_LOG_LEVEL", "debug")
    assert _environment("sqlite:///a.db", 5000)["UVICORN_LOG_LEVEL"] == "debug"


class Server:
    """Stands for MLflow's: a process that is there at once, and answers later."""

    def __init__(self, ended=False):
        self.stdin, self.ended = None, ended

    def poll(self):
        return 1 if self.ended else None

    def wait(self):
        return 1 if self.ended else 0


def test_the_address_is_printed_when_the_server_answers(monkeypatch, capsys):
    port, served = free_port(0), []
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: Server())

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            served.append(self.path)
            self.send_response(503 if len(served) == 1 else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    def serve(server):
        with server:
            for _ in range(2):
                server.handle_request()

    def answer_later(_):
        assert capsys.readouterr().out == ""
        if not served:
            server = http.server.HTTPServer(("127.0.0.1", port), Health)
            threading.Thread(target=serve, args=(server,)).start()

    monkeypatch.setattr(time, "sleep", answer_later)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert _serve_mlflow("sqlite:///a.db", port, ["there"]) == 0
    assert served == ["/health", "/health"]
    assert capsys.readouterr().out == "there\n"


def test_a_server_that_ends_at_once_has_no_address(monkeypatch, capsys):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: Server(ended=True))
    assert _serve_mlflow("sqlite:///a.db", free_port(0), ["there"]) == 1
    assert capsys.readouterr().out == ""


class Ui:
    """A running ``vbench ui``."""

    def __init__(self, out):
        call = [sys.executable, "-m", "vbench", "ui", "--out", str(out), "--port", "0", "--sync"]
        env = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
        self.process = subprocess.Popen(
            call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env
        )
        try:
            self._wait()
        except BaseException:
            self.process.kill()
            self.stop()
            raise

    def _wait(self):
        said = ""
        while "Ctrl-C" not in said:
            line = self.process.stdout.readline()
            assert line, said
            said += line
        self.view = re.search(r"demo: (http\S+/runs\?\S+)", said).group(1)
        self.base = self.view.partition("/#/")[0]
        urllib.request.urlopen(self.base).close()  # what was printed is there

    def stop(self):
        self.process.terminate()
        with self.process:  # closes its pipe
            return self.process.wait(timeout=60)


@pytest.fixture
def ui(tmp_path):
    made = fabricate(
        tmp_path, truth={"real": 0.89, "synthetic/dcgan": 0.8}, seeds=(0,), artifacts=True
    )
    write_report(made.folder)
    running = Ui(tmp_path)
    try:
        yield running
    finally:
        code = running.stop()
    assert code == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(running.base)


@pytest.mark.browser
@needs_browser[1]
def test_the_ui_lists_arms_with_dsc_and_hd95_and_compares_two(ui):
    from selenium.webdriver.support.ui import WebDriverWait

    with browser(1600) as page:

        def wait_for(words):
            text = "return document.body.innerText"
            WebDriverWait(page, 90).until(
                lambda p: all(word in p.execute_script(text) for word in words)
            )

        strange = urllib.request.Request(ui.base, headers={"Host": "10.elsewhere.example"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(strange)
        page.get(ui.view)
        wait_for(["real", "synthetic/dcgan", "synthetic/broken", "dsc", "hd95"])
        numbers = page.execute_script(
            "return [...document.querySelectorAll('[col-id*=\"dsc\"]')].map((e) => e.innerText)"
        )
        assert any(re.match(r"0\.8[0-9]", number) for number in numbers), numbers
        assert "· trial" not in page.execute_script("return document.body.innerText")
        boxes = page.find_elements("css selector", ".ag-row .ag-selection-checkbox input")
        for box in boxes[:2]:
            page.execute_script("arguments[0].click()", box)
        wait_for(["Compare"])
        button = next(b for b in page.find_elements("tag name", "button") if b.text == "Compare")
        page.execute_script("arguments[0].click()", button)
        wait_for(["Comparing 2 Runs", "real", "synthetic/dcgan"])
