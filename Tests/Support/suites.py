"""Runs every test of Pail: layout, build, `swift test`, and the tests in a real terminal.

`make test` calls this once everything is installed. It starts SeaweedFS and moto on free loopback
ports with private folders, tells the tests where they are (PAIL_TEST_…), and stops them when it
ends, also when it is interrupted or killed.

    suites.py                        all of it
    suites.py -- swift test --filter HistoryTests
                                     only that command, with the servers running, however long

What the caller has set of PAIL_TEST_… stays: PAIL_TEST_SEED, PAIL_TEST_BINARY.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from servers import Moto, SeaweedFS, end_with_parent

ROOT = Path(__file__).resolve().parents[2]
VENV = Path(sys.prefix) / "bin"
# Seconds, for each step: what hangs ends, and what is only slow does not. The whole is to end within
# 15 minutes on two cores.
LIMIT = 1800
# Processes that run the tests in a terminal.
WORKERS = 3


class Interrupted(Exception):
    """A signal asked the run to end."""


def say(text):
    print(f"==> {text}", flush=True)


def environment(scratch):
    """The caller's, without what could lead a test to real credentials, servers or state."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if (not name.startswith(("AWS_", "PAIL_", "XDG_")) or name.startswith("PAIL_TEST_"))
        and name.lower() not in ("http_proxy", "https_proxy", "all_proxy", "no_color")
    }
    return {**kept, "XDG_STATE_HOME": str(scratch / "state"), "AWS_EC2_METADATA_DISABLED": "true"}


class Step:
    """One command in a process group of its own, its output shown and kept."""

    def __init__(self, name, command, env, advice, limit=LIMIT):
        self.name, self.command, self.env, self.advice = name, command, env, advice
        self.limit = limit
        self.lines = []
        self.failure = None

    def run(self):
        say(f"{self.name}: {' '.join(map(str, self.command))}")
        started = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in self.command],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

        def out_of_time(*_):
            self.failure = f"took more than {self.limit} s"
            end_group(process)

        signal.signal(signal.SIGALRM, out_of_time)
        # 0 for no alarm.
        signal.alarm(self.limit)
        try:
            for line in process.stdout:
                text = line.decode("utf-8", "replace")
                self.lines.append(text.rstrip("\n"))
                sys.stdout.write(text)
                sys.stdout.flush()
            status = process.wait()
        finally:
            signal.alarm(0)
            end_group(process)
        if status != 0 and self.failure is None:
            self.failure = f"ended with status {status}"
        say(f"{self.name}: {self.failure or 'done'} ({time.monotonic() - started:.0f} s)")
        return self.failure is None


def end_group(process):
    """Ends the process group that `process` leads, with what it left behind."""
    for number, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=seconds)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def refuse_warnings(step):
    """SwiftPM silences the warnings of packages from elsewhere, so every one left is ours."""
    warned = [line for line in step.lines if "warning:" in line and "/checkouts/" not in line]
    if step.failure is None and warned:
        step.failure = f"{len(warned)} warnings"
        for line in dict.fromkeys(warned):
            print(line)
            # A file that is not compiled again would not warn again, and the next run would pass.
            source = Path(line.split(":", 1)[0])
            if source.is_file():
                source.touch()


def counts(reports):
    """Passed and failed tests by suite, from JUnit files."""
    passed, failed = Counter(), Counter()
    for report in reports:
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            bad = any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))
            (failed if bad else passed)[case.get("classname", "")] += 1
    return passed, failed


def print_counts(scratch):
    say("tests by suite")
    # Where XCTest is off, SwiftPM writes to the name given; else it adds "-swift-testing".
    for reports in (scratch.glob("swift*.xml"), scratch.glob("pytest.xml")):
        passed, failed = counts(reports)
        for suite in sorted(passed.keys() | failed.keys()):
            print(f"    {suite:56} {passed[suite]:5} passed {failed[suite]:5} failed")


def start(scratch, env):
    say("Starting SeaweedFS and moto on loopback")
    seaweed = SeaweedFS(scratch / "seaweedfs", VENV / "weed")
    moto = Moto(scratch / "moto", VENV / "moto_server")
    servers = []
    try:
        for server in (seaweed, moto):
            servers.append(server)
            server.start()
    except BaseException:
        stop(servers)
        raise
    env.update(
        PAIL_TEST_SEAWEED_ENDPOINT=seaweed.endpoint,
        PAIL_TEST_SEAWEED_ACCESS_KEY=seaweed.access_key,
        PAIL_TEST_SEAWEED_SECRET_KEY=seaweed.secret_key,
        PAIL_TEST_MOTO_ENDPOINT=moto.endpoint,
    )
    return servers


def stop(servers):
    for server in servers:
        server.stop()


def run_all(scratch, env):
    """Every step. Returns the steps that ran."""
    sources = ["Package.swift", "Sources", "Tests"]
    lint = Step(
        "layout",
        ["swift", "format", "lint", "--strict", "--parallel", "--recursive", *sources],
        env,
        "run: make format",
    )
    build = Step(
        "build", ["swift", "build", "--build-tests"], env, "the compiler's messages say where"
    )
    swift = Step(
        "swift test",
        ["swift", "test", "--skip-build", "--disable-xctest"]
        + ["--xunit-output", scratch / "swift.xml"],
        env,
        "one suite alone: bash Tests/Support/test.bash -- swift test --filter SUITE",
    )
    pytest = Step(
        "end to end",
        [VENV / "python", "-m", "pytest", "Tests/EndToEnd", "-q", "--durations=10"]
        # They wait more than they compute. Tests of a file stay together, with what they share.
        + ["-n", WORKERS, "--dist", "loadfile"]
        + ["-p", "no:cacheprovider", f"--junitxml={scratch / 'pytest.xml'}"],
        env,
        "one test alone: bash Tests/Support/test.bash -- .venv-tests/bin/python -m pytest"
        " Tests/EndToEnd -k NAME",
    )
    lint.run()
    if build.run():
        refuse_warnings(build)
    else:
        return [lint, build]
    binaries = subprocess.run(
        ["swift", "build", "--show-bin-path"], cwd=ROOT, env=env, stdout=subprocess.PIPE, check=True
    ).stdout.decode()
    env["PAIL_TEST_BINARY"] = str(Path(binaries.strip()) / "pail")
    servers = start(scratch, env)
    try:
        swift.run()
        pytest.run()
    finally:
        stop(servers)
    return [lint, build, swift, pytest]


def main():
    def interrupted(number, _):
        raise Interrupted(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    scratch = Path(tempfile.mkdtemp(prefix="pail-tests-"))
    try:
        env = environment(scratch)
        if sys.argv[1:2] == ["--"]:
            servers = start(scratch, env)
            try:
                env.setdefault("PAIL_TEST_BINARY", str(ROOT / ".build/debug/pail"))
                return 0 if Step("command", sys.argv[2:], env, "", limit=0).run() else 1
            finally:
                stop(servers)
        steps = run_all(scratch, env)
        print_counts(scratch)
        failed = [step for step in steps if step.failure]
        for step in failed:
            say(f"FAILED: {step.name}: {step.failure} ({step.advice})")
        for step in steps[2:]:
            print(next((line for line in reversed(step.lines) if line.strip()), ""))
        return 1 if failed else 0
    except Interrupted as interruption:
        say(f"interrupted by {interruption}; everything that was started has been stopped")
        return 130
    except RuntimeError as error:
        say(f"FAILED: {error}")
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
