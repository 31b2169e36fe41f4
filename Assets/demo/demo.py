"""Starts SeaweedFS on loopback, fills it once, and opens pail on it until pail ends.

    demo.py FOLDER PAIL       FOLDER keeps the server's data, the downloads and the history.
"""

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Tests" / "Support"))
from servers import SeaweedFS  # noqa: E402

PORT = 8333
MEGABYTE = 1_000_000


def say(text):
    print(f"\033[1m==>\033[0m {text}", flush=True)


def fill(server, objects, large_megabytes):
    """Makes the sample buckets. Run again after an interruption, it writes the same again."""
    s3 = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
        config=Config(s3={"addressing_style": "path"}, max_pool_connections=16),
    )
    existing = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in ("assets", "logs", "reports", "versions"):
        if bucket not in existing:
            s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})

    def put(bucket, key, text, content_type="text/plain; charset=utf-8"):
        s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType=content_type)

    for year in (2025, 2026):
        for quarter in ("q1", "q2", "q3", "q4"):
            rows = "\n".join(f"{year}-{month:02},{month * 1000}" for month in range(1, 13))
            put("reports", f"{year}/{quarter}/summary.csv", f"month,total\n{rows}\n", "text/csv")
            put("reports", f"{year}/{quarter}/archive/notes.txt", f"Notes of {year} {quarter}.\n")
    for name in ("поставка.txt", "四半期報告.txt", "rapport d'été.txt", "αναφορά.txt", "تقرير.txt", "🪣 pail.txt"):
        put("reports", f"names/{name}", f"The name of this object is {name}\n")
    for name, body in (("site/index.html", "<h1>Pail</h1>\n"), ("site/css/style.css", "h1 { color: teal }\n")):
        put("assets", name, body, "text/html" if name.endswith("html") else "text/css")
    for draft in ("first", "second", "third"):
        put("versions", "contract.txt", f"This is the {draft} draft.\n")
    put("versions", "deleted.txt", "This object was deleted; its version is still there.\n")
    s3.delete_object(Bucket="versions", Key="deleted.txt")

    say(f"Writing {objects:,} small objects to logs/requests/")
    with ThreadPoolExecutor(16) as pool:
        names = (f"requests/{number:05}.log" for number in range(objects))
        for _ in pool.map(lambda name: put("logs", name, f"GET /{name} 200\n" * 8), names):
            pass
    say(f"Writing {large_megabytes} MB to assets/video/tour.bin")
    s3.upload_fileobj(Noise(large_megabytes * MEGABYTE), "assets", "video/tour.bin")


class Noise:
    """A file of `size` bytes that do not compress, the same every time."""

    def __init__(self, size):
        self.left = size
        self.block = b"".join((n * n * 2654435761 % 2**32).to_bytes(4, "big") for n in range(1 << 18))

    def read(self, wanted=-1):
        wanted = self.left if wanted < 0 else min(wanted, self.left)
        blocks, rest = divmod(wanted, len(self.block))
        self.left -= wanted
        return self.block * blocks + self.block[:rest]


def settings(server, folder):
    """A private settings file for this run; the server's port may differ from the last one's."""
    downloads = folder / "downloads"
    downloads.mkdir(exist_ok=True)
    path = folder / "demo.env"
    path.touch(mode=0o600)
    path.write_text(
        f"# Written by make demo.\n"
        f"AWS_ENDPOINT_URL='{server.endpoint}'\n"
        f"AWS_STORAGE_REGION='{server.region}'\n"
        f"AWS_ACCESS_KEY_ID='{server.access_key}'\n"
        f"AWS_SECRET_ACCESS_KEY='{server.secret_key}'\n"
        f"PATH_TO_SAVE_FILE='{downloads}'\n"
        f"PAIL_HISTORY='{folder / 'history.sqlite'}'\n"
    )
    return path


def run(command):
    """Runs pail to its end, which it chooses itself: a lost terminal reaches it as it is."""
    # The person's own keys, endpoint and history would win over those of the file.
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and name != "PAIL_HISTORY"
    }
    pail = subprocess.Popen(command, env=env)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: pail.terminate())
    return pail.wait()


def main(folder, pail):
    def interrupted(*_):
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    folder = Path(folder)
    objects = int(os.environ.get("PAIL_DEMO_OBJECTS", "5000"))
    large_megabytes = int(os.environ.get("PAIL_DEMO_LARGE_MB", "200"))
    weed = shutil.which("weed") or Path(sys.prefix) / "bin" / "weed"
    say("Starting SeaweedFS on loopback")
    try:
        with SeaweedFS(folder / "server", weed, port=PORT) as server:
            filled = folder / "filled"
            if not filled.exists():
                say(f"Filling it with sample buckets, once; they stay in {folder}")
                fill(server, objects, large_megabytes)
                filled.touch()
            return run([pail, "--env-file", settings(server, folder)])
    except KeyboardInterrupt:
        say("Interrupted; the server has been stopped")
        return 130
    except RuntimeError as error:
        print(f"pail: {error}\n      Run 'make demo-clean', then 'make demo' again.", file=sys.stderr)
        return 1
    finally:
        say("The server has stopped. The data stay for next time; make demo-clean removes them.")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
