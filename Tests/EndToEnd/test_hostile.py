"""Keys made to harm: nothing of them reaches the terminal raw, nothing leaves the chosen folder."""

import re

import pytest

# What SeaweedFS stores of what PITFALLS of object storage list; moto takes the rest.
HOSTILE = {
    "escape\x1b[31mred": r"\x1b[31mred",
    "title\x1b]0;PWNED\x07": r"\x1b]0;PWNED\x07",
    "clip\x1b]52;c;UFdORUQ=\x07": r"\x1b]52;c;UFdORUQ=\x07",
    "link\x1b]8;;evil:x\x07": r"\x1b]8;;evil:x\x07",
    "bell\x07": r"bell\x07",
    "delete\x7f": r"delete\x7f",
    "c1\u009b31m": r"\u009b",
    "bidi\u202etxt.exe": r"\u202e",
    "isolate\u2066x": r"\u2066",
    "line\nbreak": r"line\nbreak",
    "back\b\b\bspace": r"\x08",
}


@pytest.fixture
def hostile_bucket(store, new_bucket):
    name = new_bucket("hostile")
    for key in HOSTILE:
        store.put(name, key, b"harm")
    return name


def control_sequences(raw):
    """Every escape sequence in `raw`, and the text left between them."""
    pattern = re.compile(
        rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]"
    )
    return pattern.findall(raw), pattern.sub(b"", raw)


def assert_clean(raw):
    sequences, text = control_sequences(raw)
    assert not [one for one in sequences if one.startswith(b"\x1b]")], "an OSC sequence"
    left = text.decode("utf-8")
    # Blank, CR, LF, TAB, BS, and SO/SI (line drawing) are what ncurses moves the cursor with.
    assert not re.search("[\x00-\x07\x0b\x0c\x10-\x1f\x7f-\x9f]", left)
    assert not re.search("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", left)


def test_a_listing_on_a_terminal_shows_hostile_keys_as_escapes(person, hostile_bucket):
    terminal = person.open("ls", f"s3://{hostile_bucket}", columns=160)
    assert terminal.wait_exit() == 0
    for shown in HOSTILE.values():
        assert shown in terminal.text
    assert_clean(terminal.raw)


def test_the_check_for_clean_output_finds_what_is_not_clean():
    for key in HOSTILE:
        if key != "back\b\b\bspace" and key != "line\nbreak" and "[31m" not in key:
            with pytest.raises(AssertionError):
                assert_clean(f"before {key} after".encode())


def test_each_hostile_key_can_be_deleted_by_its_raw_name(person, store, hostile_bucket):
    done = person.run("rm", "-r", f"s3://{hostile_bucket}")
    assert done.returncode == 0, done.stderr
    assert store.keys(hostile_bucket) == []
    deleted = {row["key"] for row in person.changes() if row["action"] == "delete"}
    assert deleted == {key.encode() for key in HOSTILE}


def test_error_texts_do_not_carry_keys_raw(person, hostile_bucket):
    terminal = person.open("get", f"s3://{hostile_bucket}/gone\x1b]0;PWNED\x07", "out", columns=160)
    assert terminal.wait_exit() == 1
    assert terminal.title == ""
    assert_clean(terminal.raw)


ESCAPING = ["../../escaped", "/absolute", "a/../../escaped", "..", "dir/../../../escaped"]


@pytest.mark.parametrize("key", ESCAPING)
def test_no_download_is_written_outside_its_folder(person, moto, key):
    bucket = moto.bucket
    moto.s3.put_object(Bucket=bucket, Key=key, Body=b"escaped")
    before = files_below(person.home.parent)
    person.run(
        "get", f"s3://{bucket}/{key}", "--endpoint-url", moto.endpoint, env={"PAIL_USER": "x"}
    )
    new = files_below(person.home.parent) - before
    outside = {
        path
        for path in new
        if person.downloads not in path.parents and "state" not in path.parts
    }
    assert outside == set()
    assert not any(path.name == "absolute" for path in person.home.parent.parent.iterdir())


def test_a_link_in_the_way_is_not_followed(person, store, bucket, tmp_path):
    target = tmp_path / "victim"
    target.write_bytes(b"precious")
    (person.downloads / "link.txt").symlink_to(target)
    store.put(bucket, "link.txt", b"replaced")
    person.run("get", f"s3://{bucket}/link.txt")
    assert target.read_bytes() == b"precious"


def files_below(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


def test_the_browser_shows_hostile_keys_as_escapes(person, hostile_bucket):
    browser = person.browse(f"s3://{hostile_bucket}", columns=120)
    for shown in HOSTILE.values():
        browser.wait_for(shown)
    browser.press("g")
    for _ in HOSTILE:
        browser.press("j")
        browser.wait_quiet(0.05)
    browser.press("i")
    browser.wait_quiet(0.3)
    browser.press("Esc", "q")
    browser.wait_exit()
    assert browser.title == ""
    assert browser.clipboard() == []
    assert_clean(browser.raw)
