"""Folders by the thousand files, up and down, where the system lets few files be open at once."""

import concurrent.futures
import hashlib
import os
import resource
import subprocess
import threading
from pathlib import Path

from scripted import Answer, Scripted

FOLDERS = ["one", "two", "three", "four"]
FILES = 150
LIMIT = 256
# In bytes, between what is read when it is opened and what goes in parts.
SIZE = 20_000
# How many requests the server gathers before it answers them.
BUNCH = 24
PAGE = 100


def contents(key):
    return hashlib.sha256(key.encode()).digest() * (SIZE // 32)


def folder_keys(folder):
    return [f"p/{folder}/{number % 7}/{number:03}.bin" for number in range(FILES)]


class Store:
    """Takes its time: an answer waits for other requests, unless none come."""

    def __init__(self, keys=()):
        self.keys = set(keys)
        self._gathered = threading.Condition()
        self._waiting = 0
        self._round = 0

    def answer(self, method, path, query, _):
        key = path.removeprefix("/bk").removeprefix("/")
        if not key:
            return self._list(query)
        self._gather()
        headers = {
            "ETag": f'"{hashlib.md5(contents(key)).hexdigest()}"',
            "Last-Modified": "Sun, 29 Nov 2026 10:00:00 GMT",
        }
        if method == "PUT":
            self.keys.add(key)
            return Answer(headers=headers)
        if key not in self.keys:
            return Answer(404)
        return Answer(body=contents(key), headers=headers)

    def _gather(self):
        with self._gathered:
            self._waiting += 1
            if self._waiting == BUNCH:
                self._let_go()
            else:
                current = self._round
                if not self._gathered.wait_for(lambda: self._round != current, timeout=0.1):
                    self._let_go()

    def _let_go(self):
        self._waiting = 0
        self._round += 1
        self._gathered.notify_all()

    def _list(self, query):
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        keys = sorted(key for key in self.keys if key.startswith(prefix) and key > after)
        page, rest = keys[:PAGE], keys[PAGE:]
        items = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(contents(key))}</Size>"
            f"<ETag>&quot;{hashlib.md5(contents(key)).hexdigest()}&quot;</ETag>"
            "<LastModified>2026-11-29T10:00:00.000Z</LastModified></Contents>"
            for key in page
        )
        more = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if rest else ""
        return Answer(
            body=(
                f"<ListBucketResult><Name>bk</Name><IsTruncated>{str(bool(rest)).lower()}"
                f"</IsTruncated>{more}{items}</ListBucketResult>"
            ).encode()
        )


def run(person, endpoint, *arguments):
    return subprocess.run(
        [person.binary, *map(str, arguments), "--endpoint-url", endpoint],
        capture_output=True, env=person.env, cwd=person.work, timeout=100,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT)),
    )


def test_many_folders_go_up_with_few_open_files(person):
    for folder in FOLDERS:
        for key in folder_keys(folder):
            person.file(key.removeprefix("p/"), contents(key))
    store = Store()
    with Scripted(store.answer) as server:
        done = run(person, server.endpoint, "put", "-q", "-r", *FOLDERS, "s3://bk/p/")
    assert done.returncode == 0, done.stderr[-2000:]
    assert store.keys == {key for folder in FOLDERS for key in folder_keys(folder)}


def test_many_prefixes_come_down_with_few_open_files(person):
    store = Store(key for folder in FOLDERS for key in folder_keys(folder))
    places = [f"s3://bk/p/{folder}/" for folder in FOLDERS]
    with Scripted(store.answer) as server:
        done = run(person, server.endpoint, "get", "-q", "-r", *places, person.downloads)
    assert done.returncode == 0, done.stderr[-2000:]
    arrived = {path.relative_to(person.downloads): path for path in person.downloads.rglob("*.bin")}
    assert len(arrived) == len(FOLDERS) * FILES
    for path in arrived.values():
        key = "p/" + str(path.relative_to(person.downloads))
        assert path.read_bytes() == contents(key)


def test_the_table_of_open_files_is_large_before_any_is_needed(person):
    """Made larger later it would hold up all threads, each time it doubles."""
    store, number, seen = Store(), concurrent.futures.Future(), []

    def answer(*request):
        process = Path("/proc", str(number.result(timeout=20)))
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        seen.append((len(os.listdir(process / "fd")), int(status["FDSize"])))
        return store.answer(*request)

    with Scripted(answer) as server:
        program = subprocess.Popen(
            [person.binary, "ls", "s3://bk/", "--endpoint-url", server.endpoint],
            env=person.env, cwd=person.work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        number.set_result(program.pid)
        output = program.communicate(timeout=60)[0]
    assert program.returncode == 0, output
    assert seen and all(used < 64 and size >= 1024 for used, size in seen), seen
