"""What Pail needs of memory grows neither with the size of a file nor with the number of files."""

import re
import subprocess
from typing import NamedTuple

import pytest
from sink import Sink

MEBIBYTE = 1 << 20
SMALL, LARGE = 64 * MEBIBYTE, 5 * 1024 * MEBIBYTE
ALLOWED_GROWTH_KIB = 4 * 1024
FEW, MANY = 300, 2_000
# More are under way at a time once many have been answered.
ALLOWED_GROWTH_OF_MANY_KIB = 8 * 1024


class Peak(NamedTuple):
    """In KiB."""

    # VmHWM: pages of the program's own file count, of which the kernel maps now more and now fewer
    # with what it happens to have in its cache.
    whole: int
    # RssAnon: what the program has asked for.
    own: int


def peak(person, endpoint, *arguments):
    """Runs `pail` and gives the most memory it had, looking again and again until it ends."""
    program = subprocess.Popen(
        [person.binary, *map(str, arguments), "--endpoint-url", endpoint],
        env=person.env,
        cwd=person.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    highest = Peak(0, 0)
    while program.poll() is None:
        try:
            with open(f"/proc/{program.pid}/status") as status:
                sizes = dict(re.findall(r"^(\w+):\s+(\d+) kB$", status.read(), re.MULTILINE))
        except OSError:
            break
        seen = (int(sizes.get(name, 0)) for name in ("VmHWM", "RssAnon"))
        highest = Peak(*map(max, highest, seen))
        try:
            program.wait(timeout=0.005)
        except subprocess.TimeoutExpired:
            continue
    error = program.stderr.read().decode()
    assert program.wait() == 0, error
    assert min(highest) > 0
    return highest


def growth(peaks):
    """How much more of its own the program had the last time than the first, in KiB."""
    return peaks[-1].own - peaks[0].own


def sparse(person, name, size):
    path = person.file(name, b"")
    with open(path, "r+b") as file:
        file.truncate(size)
    return path


@pytest.mark.timeout(400)
def test_an_upload_of_5_GiB_needs_no_more_memory_than_one_of_64_MiB(person):
    peaks = []
    for size in (SMALL, LARGE):
        path = sparse(person, "large.bin", size)
        with Sink(size, exists=False) as sink:
            peaks.append(peak(person, sink.endpoint, "put", path, "s3://sink/large.bin"))
            assert sink.received == size
        path.unlink()
    assert growth(peaks) <= ALLOWED_GROWTH_KIB, peaks


@pytest.mark.timeout(400)
def test_a_download_of_5_GiB_needs_no_more_memory_than_one_of_64_MiB(person):
    peaks = []
    for size in (SMALL, LARGE):
        with Sink(size) as sink:
            peaks.append(peak(person, sink.endpoint, "get", "s3://sink/large.bin", "back.bin"))
        assert (person.work / "back.bin").stat().st_size == size
        (person.work / "back.bin").unlink()
    assert growth(peaks) <= ALLOWED_GROWTH_KIB, peaks


@pytest.mark.timeout(400)
def test_an_upload_of_2000_files_needs_no_more_memory_than_one_of_300(person):
    peaks = []
    for count in (FEW, MANY):
        for number in range(count):
            person.file(f"tree/{number // 500:03}/{number:05}.log", b"x" * 40)
        with Sink(0, exists=False) as sink:
            peaks.append(peak(person, sink.endpoint, "put", "-r", "tree", "s3://sink/tree/"))
            assert sink.received == 40 * count
    assert growth(peaks) <= ALLOWED_GROWTH_OF_MANY_KIB, peaks


@pytest.mark.timeout(400)
def test_a_download_of_2000_objects_needs_no_more_memory_than_one_of_300(person, store, many):
    peaks = []
    for count, starts in ((FEW, ("000", "001", "002")), (MANY, ("00", "01"))):
        places = [f"s3://{many.bucket}/requests/{start}*" for start in starts]
        folder = person.downloads / str(count)
        peaks.append(peak(person, store.endpoint, "get", *places, folder))
        assert len([path for path in folder.rglob("*") if path.is_file()]) == count
    assert growth(peaks) <= ALLOWED_GROWTH_OF_MANY_KIB, peaks
