"""`make demo` in small: a server, sample buckets, the browser on them, and everything gone again."""

import os
import re
import subprocess
import sys

import pytest
from browser import Browser


@pytest.fixture
def demo(person, root, tmp_path):
    """Starts the demo in a terminal; its data stay in one folder between two starts."""
    env = {
        **person.env,
        "PATH": os.environ["PATH"],
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PAIL_DEMO_BINARY": person.binary,
        "PAIL_DEMO_PYTHON": sys.executable,
        "PAIL_DEMO_OBJECTS": "40",
        "PAIL_DEMO_LARGE_MB": "20",
    }

    def start():
        terminal = Browser(["make", "demo"], env=env, cwd=root, rows=30, columns=120)
        person.terminals.append(terminal)
        return terminal

    start.env = env
    start.folder = tmp_path / "data" / "pail-demo"
    return start


def answers(endpoint):
    command = ["curl", "-s", "-o", "/dev/null", "--max-time", "3", endpoint]
    return subprocess.run(command).returncode == 0


def test_the_demo_opens_sample_buckets_stops_its_server_and_keeps_the_data(person, root, demo):
    terminal = demo()
    terminal.wait_for("versions", timeout=90)
    for bucket in ("assets", "logs", "reports"):
        assert bucket in terminal.text
    endpoint = re.search(r"AWS_ENDPOINT_URL='(.*)'", (demo.folder / "demo.env").read_text()).group(1)
    assert (demo.folder / "demo.env").stat().st_mode & 0o777 == 0o600
    assert answers(endpoint)
    terminal.go("s3://logs/requests/")
    terminal.wait_for("40 objects")
    terminal.go("s3://reports/names/")
    terminal.wait_for("四半期報告.txt")
    terminal.go("s3://assets/video/")
    terminal.wait_for("tour.bin")
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert not answers(endpoint)

    again = demo()
    again.wait_for("versions", timeout=60)
    assert "Filling" not in again.text
    again.press("q")
    assert again.wait_exit() == 0

    for _ in range(2):
        subprocess.run(["make", "demo-clean"], cwd=root, env=demo.env, check=True)
        assert not demo.folder.exists()


def test_without_a_terminal_the_demo_says_so(root, demo):
    done = subprocess.run(
        ["make", "demo"], cwd=root, env=demo.env, stdin=subprocess.DEVNULL, capture_output=True
    )
    assert done.returncode != 0
    assert b"terminal" in done.stderr
    assert not demo.folder.exists()
