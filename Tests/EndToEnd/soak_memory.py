"""`make soak`: what `make test` looks at in small, at full size: 5 GiB, 100,000 files, a million names.

Against the stand-in server of the benchmark, since none that keeps its objects is quick enough. The
files lie in memory where the machine has room for them there.
"""

import shutil
import tempfile
from pathlib import Path

import pytest
from bench import Server
from test_memory import (
    ALLOWED_GROWTH_OF_MANY_KIB,
    growth,
    peak,
    # Collected here as well, for the release binary.
    test_a_download_of_5_GiB_needs_no_more_memory_than_one_of_64_MiB,  # noqa: F401
    test_an_upload_of_5_GiB_needs_no_more_memory_than_one_of_64_MiB,  # noqa: F401
)

pytestmark = pytest.mark.timeout(3600)

FEW, MANY, VERY_MANY = 1_000, 100_000, 1_000_000
SIZE = 40
MOST_KIB = 48 * 1024


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    """Makes a server that has `count` small objects, and takes any."""
    folder = tmp_path_factory.mktemp("stand-in")
    Server.compile(folder / "standin")
    (folder / "big").write_bytes(b"x" * SIZE)

    def server(count=1, in_folder=500):
        return Server(
            folder / "standin", folder / "big", count=count, in_folder=in_folder, size=SIZE
        )

    return server


@pytest.fixture
def room():
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="pail-soak-", dir=memory if memory.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


def upload(person, stand_in, room, count, in_folder):
    """The peak of an upload of a folder of files, and how many of them the history has."""
    tree = room / str(count)
    for number in range(count):
        folder = tree / f"{number // in_folder:04}"
        if number % in_folder == 0:
            folder.mkdir(parents=True)
        (folder / f"object-{number:07}").write_bytes(b"x" * SIZE)
    with stand_in() as server:
        highest = peak(person, server.endpoint, "put", "-r", tree, "s3://bench/up/small/")
    shutil.rmtree(tree)
    found = person.history("SELECT count(*) AS done FROM outcomes WHERE outcome = 'done'")
    shutil.rmtree(person.history_file.parent)
    return highest, found[0]["done"]


def download(person, stand_in, room, count, in_folder):
    """The same of a download."""
    with stand_in(count, in_folder) as server:
        highest = peak(person, server.endpoint, "get", "-r", "s3://bench/small/", room / "back")
    came = sum(1 for path in (room / "back").rglob("object-*"))
    shutil.rmtree(room / "back")
    return highest, came


@pytest.mark.parametrize("in_folder", [500, MANY], ids=["in folders", "in one folder"])
@pytest.mark.parametrize("move", [upload, download])
def test_100000_files_need_no_more_memory_than_1000(person, stand_in, room, move, in_folder):
    peaks = []
    for count in (FEW, MANY):
        highest, came = move(person, stand_in, room, count, in_folder)
        assert came == count
        peaks.append(highest)
    print(f"KiB of {move.__name__}: {peaks}")
    assert growth(peaks) <= ALLOWED_GROWTH_OF_MANY_KIB, peaks
    assert peaks[-1].whole <= MOST_KIB, peaks


@pytest.mark.parametrize("move", [upload, download])
def test_a_million_names_in_one_folder_need_48_MiB(person, stand_in, room, move):
    highest, came = move(person, stand_in, room, VERY_MANY, VERY_MANY)
    print(f"KiB of {move.__name__}: {highest}")
    assert came == VERY_MANY
    assert highest.whole <= MOST_KIB
