"""Buckets, prefixes, columns, and thousands of objects, by keys alone."""

import re
import unicodedata

import pytest


def test_buckets_are_listed_and_one_opens_with_enter(person, store, new_bucket):
    first, second = new_bucket("aa-first"), new_bucket("bb-second")
    store.put(second, "inside.txt", b"1")
    browser = person.browse()
    browser.wait_for(first)
    browser.wait_for(second)
    assert browser.focus == "buckets"
    browser.select_bucket(second)
    browser.press("Enter")
    browser.wait_listed("inside.txt")
    browser.wait_focus("objects")
    assert f"s3://{second}/" in browser.header


def test_prefixes_are_walked_down_and_up(person, store, bucket):
    store.put(bucket, "a/b/deep.txt", b"1")
    store.put(bucket, "a/side.txt", b"1")
    store.put(bucket, "zz.txt", b"1")
    browser = person.browse(f"s3://{bucket}")
    browser.wait_listed("a/", "zz.txt")
    browser.select("a/")
    browser.press("l")
    browser.wait_listed("..", "b/", "side.txt")
    browser.select("b/")
    browser.press("Right")
    browser.wait_listed("deep.txt")
    assert f"s3://{bucket}/a/b/" in browser.header
    browser.press("h")
    browser.wait_selected("b/")
    browser.press("Left")
    browser.wait_selected("a/")
    browser.press("Backspace")
    browser.wait_focus("buckets")


def test_the_row_of_two_dots_leads_up_and_cannot_be_marked(person, store, bucket):
    store.put(bucket, "p/x", b"1")
    browser = person.browse(f"s3://{bucket}/p/")
    browser.select("..")
    browser.press("Space")
    browser.wait_selected("x")
    assert not any(row.is_marked for row in browser.rows())
    browser.press("g", "Enter")
    browser.wait_listed("p/")


def test_the_uri_of_an_object_leads_to_where_it_is(person, store, bucket):
    for name in ("archive.csv", "summary.csv", "zz.csv"):
        store.put(bucket, f"2026/q3/{name}", b"1")
    browser = person.open(f"s3://{bucket}/2026/q3/summary.csv")
    browser.wait_selected("summary.csv")
    assert f"s3://{bucket}/2026/q3/ " in browser.header + " "
    browser.press("y", "u")
    browser.wait_until(lambda: browser.clipboard(), "the URI on the clipboard")
    browser.press("h", ":")
    browser.paste(browser.clipboard()[-1])
    browser.press("Enter")
    browser.wait_selected("summary.csv")


def test_a_box_of_transfers_is_seen_on_the_smallest_screen(person, store, bucket):
    store.put(bucket, "a.txt", b"1")
    store.put(bucket, "b.txt", b"1")
    browser = person.browse(f"s3://{bucket}", rows=10, columns=80)
    browser.wait_selected("a.txt")
    browser.press("*", "d", "Enter")
    browser.wait_for("Downloaded 2 files")
    browser.press("t")
    browser.wait_focus("transfers")
    assert "▸↓ b.txt" in browser.text


def test_marks_on_wide_characters_reach_the_terminal(person, store, bucket):
    names = [unicodedata.normalize("NFD", name) for name in ("보고서.txt", "보고사.txt", "が.txt")]
    for name in names + ["👍🏽.txt"]:
        store.put(bucket, name, b"1")
    browser = person.browse(f"s3://{bucket}")
    for name in names:
        browser.wait_until(lambda: name.encode() in browser.raw, f"{name!r} whole")
    # Terminals disagree about the columns of such a sequence.
    browser.wait_for("\\U0001f3fd.txt")


def test_columns_tell_size_time_and_class(person, store, bucket):
    store.put(bucket, "report.csv", b"x" * 12698)
    changed = store.s3.head_object(Bucket=bucket, Key="report.csv")["LastModified"]
    browser = person.browse(f"s3://{bucket}", columns=120)
    (row,) = [row for row in browser.rows() if row.name == "report.csv"]
    assert row.columns == ["12.4 KiB", changed.strftime("%Y-%m-%d %H:%M"), "STANDARD"]


@pytest.mark.parametrize(
    "width, shown, hidden",
    [
        (120, ["Size", "Modified", "Class", "Buckets"], []),
        (80, ["Size", "Modified", "Buckets"], ["Class"]),
        (59, ["Name"], ["Buckets", "Class"]),
    ],
)
def test_narrow_screens_drop_columns_and_never_the_name(person, store, bucket, width, shown, hidden):
    store.put(bucket, "name.txt", b"1")
    browser = person.browse()
    browser.go(f"s3://{bucket}/")
    browser.wait_listed("name.txt")
    browser.resize(24, width)
    browser.wait_until(lambda: browser.lines[1].count("┐") == (1 if width < 60 else 2), "laid out anew")
    browser.wait_quiet(0.2)
    for word in shown:
        assert word in browser.lines[1]
    for word in hidden:
        assert word not in browser.lines[1]
    assert "name.txt" in browser.text


@pytest.mark.parametrize("rows, columns", [(9, 80), (24, 39), (1, 1), (2, 200)])
def test_a_screen_that_is_too_small_says_so_and_recovers(person, bucket, rows, columns):
    browser = person.browse()
    browser.resize(rows, columns)
    browser.wait_until(lambda: "Buckets" not in browser.text, "no panes any more")
    if columns > 20:
        browser.wait_for("too small")
    browser.resize(30, 100)
    browser.wait_for("Buckets")
    browser.press("q")
    assert browser.wait_exit() == 0


def test_five_thousand_objects_show_their_first_page_and_load_the_rest_on_the_way(person, many):
    browser = person.browse(f"s3://{many.bucket}/requests/")
    browser.wait_listed("00000.log")
    assert re.search(r"\b1,000\+", browser.footer), browser.footer
    assert not re.search(r"\b5,000\b", browser.footer)
    for _ in range(200):
        browser.press("G")
        browser.wait_quiet(0.15)
        if browser.selected == "04999.log" and "+" not in browser.footer:
            break
    assert browser.selected == "04999.log"
    assert re.search(r"\b5,000 objects", browser.footer), browser.footer
    browser.press("g")
    browser.wait_until(lambda: "00000.log" in browser.names, "the first rows again")


def test_a_filter_narrows_the_rows_as_it_is_typed(person, store, bucket):
    for name in ("apple.txt", "banana.txt", "cherry.txt"):
        store.put(bucket, name, b"1")
    browser = person.browse(f"s3://{bucket}")
    browser.wait_listed("apple.txt", "banana.txt", "cherry.txt")
    browser.press("/")
    browser.type("an")
    browser.wait_until(lambda: browser.names == ["banana.txt"], "banana.txt alone")
    browser.press("Enter", "Esc")
    browser.wait_listed("apple.txt", "banana.txt", "cherry.txt")


def test_sorting_by_size_and_again_the_other_way(person, store, bucket):
    for name, size in (("a", 30), ("b", 10), ("c", 20)):
        store.put(bucket, name, b"x" * size)
    browser = person.browse(f"s3://{bucket}")
    browser.wait_listed("a", "b", "c")
    browser.press("o", "s")
    browser.wait_until(lambda: browser.names == ["b", "c", "a"], "smallest first")
    browser.press("o", "s")
    browser.wait_until(lambda: browser.names == ["a", "c", "b"], "largest first")


def test_an_empty_bucket_an_empty_prefix_and_an_empty_filter_say_different_things(
    person, store, bucket
):
    browser = person.browse(f"s3://{bucket}")
    empty_bucket = browser.wait_for(re.compile(r"[Bb]ucket is empty|[Ee]mpty bucket")).group()
    store.put(bucket, "x", b"1")
    browser.press("r")
    browser.wait_listed("x")
    browser.press("/")
    browser.type("zzz")
    browser.wait_for("Nothing matches")
    browser.press("Esc")
    browser.go(f"s3://{bucket}/no/such/")
    browser.wait_for("Nothing is under this prefix")
    assert empty_bucket not in browser.text


def test_a_bucket_that_may_not_be_listed_says_so(person, store, bucket):
    from servers import SeaweedFS

    other = SeaweedFS
    person.write_env(
        (person.work / ".env")
        .read_text()
        .replace(store.access_key, other.other_access_key)
        .replace(store.secret_key, other.other_secret_key)
    )
    browser = person.open(f"s3://{bucket}")
    browser.wait_for("No permission")
    browser.wait_for("AccessDenied")
    assert "empty" not in browser.text


def test_names_in_several_scripts_keep_the_columns_straight(person, store, bucket):
    names = ["plain.txt", "поставка.txt", "四半期報告.txt", "e\u0301 combining.txt", "🪣 pail.txt"]
    for name in names:
        store.put(bucket, name, b"x" * 2048)
    browser = person.browse(f"s3://{bucket}", columns=120)
    browser.wait_for("plain.txt")
    browser.wait_quiet(0.2)
    places = set()
    for row in range(2, browser.height):
        line = "".join(browser.cell(row, column).data or "\0" for column in range(browser.width))
        if "2.0 KiB" in line:
            places.add(line.index("2.0 KiB"))
    assert len(places) == 1


def test_moving_is_shown_with_few_bytes_and_standing_still_with_none(person, store, bucket):
    for number in range(60):
        store.put(bucket, f"object-number-{number:03}.txt", b"1")
    browser = person.browse(f"s3://{bucket}", rows=35, columns=120)
    browser.wait_listed("object-number-001.txt")
    browser.press("j")
    before = browser.wait_quiet(0.5)
    for _ in range(10):
        browser.press("j")
        browser.wait_until(lambda: browser.bytes_out > before, "the move shown")
        after = browser.wait_quiet(0.2)
        assert after - before <= 200
        before = after
    # Five seconds in which nothing happens.
    with pytest.raises(AssertionError, match="not within"):
        browser.wait_until(lambda: browser.bytes_out > before, "output while idle", timeout=5)


def test_an_object_is_copied_moved_and_renamed_within_the_store(person, store, bucket):
    store.put(bucket, "p/a.txt", b"1")
    store.put(bucket, "p/tree/b.txt", b"2")
    browser = person.browse(f"s3://{bucket}/p/")
    browser.select("a.txt")
    browser.press("c")
    browser.wait_for("The server copies")
    browser.type("copy/")
    browser.press("Enter")
    browser.wait_for("Copied 1 object")
    assert store.get(bucket, "p/copy/a.txt") == b"1"
    browser.select("tree/")
    browser.press("R")
    browser.wait_for("proven equal")
    browser.type("2")
    browser.press("Enter")
    browser.wait_for("Renamed 1 object")
    assert sorted(store.keys(bucket)) == ["p/a.txt", "p/copy/a.txt", "p/tree2/b.txt"]
    assert [row["action"] for row in person.changes()] == ["copy", "copy", "delete"]
