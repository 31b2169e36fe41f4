"""Very many keys: listed, added up and previewed in order, from the first page on, at constant memory."""

import hashlib
import re
import subprocess

from keyspace import Keyspace

FEW, MANY = 20_000, 1_000_000
ALLOWED_GROWTH_KIB = 6 * 1024


def peak(person, endpoint, *arguments, consume):
    """Runs `pail`, has its output consumed, and gives its VmHWM in KiB when it last wrote.

    0 for a program that was gone before one could look, which then tells nothing.
    """
    program = subprocess.Popen(
        [person.binary, *arguments, "--endpoint-url", endpoint],
        env=person.env,
        cwd=person.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    highest = 0
    while piece := program.stdout.read1(1 << 20):
        consume(piece)
        with open(f"/proc/{program.pid}/status") as status:
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
        highest = max(highest, int(found.group(1)) if found else 0)
    assert program.wait() == 0, program.stderr.read().decode()
    return highest


def digest_of(keys):
    digest = hashlib.sha256()
    for key in keys:
        digest.update(key.encode() + b"\0")
    return digest.hexdigest()


def test_a_million_keys_are_listed_in_order_at_constant_memory(person):
    peaks = []
    for count in (FEW, MANY):
        digest = hashlib.sha256()
        with Keyspace(count) as server:
            peaks.append(
                peak(person, server.endpoint, "ls", "-r", "-0", "s3://b/", consume=digest.update)
            )
        assert digest.hexdigest() == digest_of(server.keys)
    assert min(peaks) > 0
    assert peaks[1] - peaks[0] <= ALLOWED_GROWTH_KIB, peaks


def test_a_filter_sees_every_page(person):
    output = bytearray()
    with Keyspace(FEW) as server:
        command = ["ls", "-r", "-0", "--exclude", "*5.gz", "s3://b/logs/"]
        peak(person, server.endpoint, *command, consume=output.extend)
    assert output.decode().split("\0")[:-1] == [key for key in server.keys if key[-4] != "5"]


def test_a_long_listing_that_nobody_reads_on_stops(person):
    with Keyspace(1_000_000) as server:
        program = subprocess.Popen(
            [person.binary, "ls", "-r", "-0", "s3://b/", "--endpoint-url", server.endpoint],
            env=person.env,
            cwd=person.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert program.stdout.read(len("logs/000/0000000.gz")) == b"logs/000/0000000.gz"
        program.stdout.close()
        program.wait(timeout=30)
        assert program.stderr.read() == b""
        # A million keys are a thousand pages: it began at once, and ended with its reader.
        assert server.pages < 200


def test_du_adds_up_every_page(person):
    with Keyspace(50_000) as server:
        output = bytearray()
        peak(person, server.endpoint, "du", "--depth", "2", "s3://b/", consume=output.extend)
        lines = [line.split() for line in output.decode().splitlines()]
    # Five prefixes of 10,000 keys, `logs/`, and the total.
    assert [line[1] for line in lines] == ["10000"] * 5 + ["50000"] * 2
    assert lines[-1][0] == str(sum(range(50_000)))
