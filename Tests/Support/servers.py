"""Real S3 servers on loopback for the tests and the demo: SeaweedFS and moto.

Needs the Python standard library only. A server is a child of this process, is known by its own
process ID alone, and ends with this process even when that is killed.

    with SeaweedFS(folder, "weed") as seaweed:
        print(seaweed.endpoint)
"""

import ctypes
import json
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def end_with_parent():
    """For a child between fork and exec: it is to die when this process does."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """`count` free loopback ports, below the range from which the kernel picks client ports."""
    found = []
    while len(found) < count:
        port = random.randrange(12000, 32000)
        if port not in found and is_free(port):
            found.append(port)
    return found


class Server:
    """One child process that answers HTTP on `self.port`."""

    name = "server"
    start_seconds = 60

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log = self.folder / "server.log"
        self.process = None
        self.port = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def command(self):
        """The command line and its additions to the environment, on ports chosen now."""
        raise NotImplementedError

    def is_ready(self):
        return self._get(self.endpoint + "/")[0] in (200, 403)

    @staticmethod
    def _get(url):
        """Status and body of the answer; status 0 where there is none."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=3) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, b""
        except OSError:
            return 0, b""

    def start(self):
        # Between the choice of a port and its use another program may take it: so three tries.
        for _ in range(3):
            arguments, environment = self.command()
            with open(self.log, "ab") as log:
                self.process = subprocess.Popen(
                    arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    env={**os.environ, **environment},
                    start_new_session=True,
                    preexec_fn=end_with_parent,
                )
            end = time.monotonic() + self.start_seconds
            while self.process.poll() is None and time.monotonic() < end:
                if self.is_ready():
                    return self
                time.sleep(0.1)
            self.stop()
        tail = self.log.read_text(errors="replace").splitlines()[-15:]
        raise RuntimeError(f"{self.name} did not start. The end of {self.log}:\n" + "\n".join(tail))

    def stop(self):
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        try:
            # SeaweedFS waits for its own gRPC streams for ever; what it stored is stored.
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class SeaweedFS(Server):
    """SeaweedFS's `weed server` with its S3 gateway, and three users of two accounts.

    The secret of the first holds `+` and `/`, which a careless URL encoding would damage.
    """

    name = "SeaweedFS"
    access_key = "PAILTESTACCESSKEY001"
    secret_key = "pailTest+Secret/Key+000000000000000/0001"
    account = "111122223333"
    other_access_key = "PAILTESTACCESSKEY002"
    other_secret_key = "pailTestSecretKey00000000000000000000002"
    other_account = "444455556666"
    reader_access_key = "PAILTESTACCESSKEY003"
    reader_secret_key = "pailTestSecretKey00000000000000000000003"
    region = "us-east-1"

    def __init__(self, folder, weed, port=None):
        super().__init__(folder)
        self.weed = weed
        self.wanted_port = port

    def command(self):
        data = self.folder / "data"
        data.mkdir(exist_ok=True, mode=0o700)
        users = self.folder / "s3.json"
        users.touch(mode=0o600)
        users.write_text(json.dumps(self._users(), indent=1))
        ports = free_ports(8)
        if self.wanted_port is not None and is_free(self.wanted_port):
            ports[0] = self.wanted_port
        self.port, self.master_port, _, self.filer_port = ports[:4]
        names = ["s3", "master", "volume", "filer"]
        arguments = [str(self.weed), "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        arguments += [f"-{name}.port={port}" for name, port in zip(names, ports)]
        arguments += [f"-{name}.port.grpc={port}" for name, port in zip(names, ports[4:])]
        arguments += ["-filer", "-s3", f"-s3.config={users}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        arguments += ["-s3.allowDeleteBucketNotEmpty=false", "-s3.autoCreateBucket=false"]
        arguments += ["-master.volumeSizeLimitMB=1024", "-master.volumePreallocate=false"]
        arguments += ["-master.telemetry=false", "-volume.max=4000", "-volume.preStopSeconds=0"]
        # One volume a bucket instead of seven: a test's bucket is small and is made often.
        return arguments, {
            "HOME": str(self.folder),
            "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1",
        }

    def _users(self):
        def user(name, account, access_key, secret_key, actions):
            return {
                "name": name,
                "account": {"id": account, "displayName": name},
                "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
                "actions": actions,
            }

        owner = user(
            "owner",
            self.account,
            self.access_key,
            self.secret_key,
            ["Admin", "Read", "Write", "List", "Tagging"],
        )
        other = user(
            "other",
            self.other_account,
            self.other_access_key,
            self.other_secret_key,
            ["Read:otherbucket", "Write:otherbucket", "List:otherbucket"],
        )
        reader = user(
            "reader",
            self.other_account,
            self.reader_access_key,
            self.reader_secret_key,
            ["Read:otherbucket", "List:otherbucket"],
        )
        accounts = [
            {"id": self.account, "displayName": "owner"},
            {"id": self.other_account, "displayName": "other"},
        ]
        return {"accounts": accounts, "identities": [owner, other, reader]}

    def is_ready(self):
        # The gateway answers before the filer and the volume server behind it can.
        filer = f"http://127.0.0.1:{self.filer_port}/?limit=1"
        volumes = f"http://127.0.0.1:{self.master_port}/dir/status"
        return (
            super().is_ready()
            and self._get(filer)[0] in (200, 404)
            and b'"DataNodes":[' in self._get(volumes)[1]
        )


class Moto(Server):
    """moto's server: in memory, takes any access key and any object key, checks no signature."""

    name = "moto"

    def __init__(self, folder, moto_server):
        super().__init__(folder)
        self.moto_server = moto_server

    def command(self):
        (self.port,) = free_ports(1)
        return [str(self.moto_server), "-H", "127.0.0.1", "-p", str(self.port)], {
            "TMPDIR": str(self.folder)
        }

    def is_ready(self):
        return self._get(self.endpoint + "/moto-api/")[0] == 200
