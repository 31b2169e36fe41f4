"""A server that withholds its answer: the screen goes on, and Esc gives up waiting."""

import re


def test_keys_are_answered_while_a_listing_hangs(person, store, proxy, bucket):
    store.put(bucket, "late.txt", b"1")
    hold = proxy.hold("answer", operation="ListObjectsV2")
    browser = person.open(f"s3://{bucket}")
    hold.wait()
    browser.wait_for(re.compile("[Ll]oading"))
    # The answer is released only after the effect of the key has been seen.
    browser.press("?")
    browser.wait_for("delete marked or current")
    browser.press("Esc")
    browser.wait_gone("delete marked or current")
    browser.press("Tab")
    browser.wait_focus("buckets")
    hold.release()
    browser.wait_listed("late.txt")


def test_esc_stops_a_listing_that_hangs_and_r_lists_again(person, store, proxy, bucket):
    store.put(bucket, "late.txt", b"1")
    hold = proxy.hold("answer", operation="ListObjectsV2")
    browser = person.open(f"s3://{bucket}")
    hold.wait()
    browser.wait_for(re.compile("[Ll]oading"))
    browser.press("Esc")
    browser.wait_for(re.compile("[Ss]topped"))
    assert "late.txt" not in browser.text
    browser.press("r")
    browser.wait_listed("late.txt")
    assert proxy.names().count("ListObjectsV2") == 2


def test_listings_that_are_sent_again_say_so_until_they_have_come(person, store, proxy, bucket):
    store.put(bucket, "late.txt", b"1")
    holds = []
    for operation in ("ListBuckets", "ListObjectsV2"):
        proxy.refuse(503, "SlowDown", operation=operation)
        holds.append(proxy.hold("request", operation=operation, skip=1))
    browser = person.open(f"s3://{bucket}")
    for hold in holds:
        hold.wait()
    browser.wait_until(lambda: browser.text.count("retrying 2/6: ") == 2, "both panes telling")
    for hold in holds:
        hold.release()
    browser.wait_listed("late.txt")
    browser.wait_gone("retrying")


def test_a_hanging_list_of_buckets_can_be_stopped_and_left(person, store, proxy, bucket):
    hold = proxy.hold("answer", operation="ListBuckets")
    browser = person.open()
    hold.wait()
    browser.press("Esc")
    browser.press("q")
    assert browser.wait_exit() == 0


def test_a_page_that_hangs_leaves_the_rows_before_it_usable(person, proxy, many):
    hold = proxy.hold("answer", operation="ListObjectsV2", skip=1)
    browser = person.browse(f"s3://{many.bucket}/requests/")
    browser.wait_listed("00000.log")
    browser.press("G")
    hold.wait()
    browser.wait_selected("00999.log")
    browser.wait_for(re.compile(r"1,000\+ objects, loading"))
    browser.press("g")
    browser.wait_until(lambda: "00000.log" in browser.names, "the first rows")
    browser.press("Esc")
    browser.wait_for(re.compile(r"1,000\+ objects, stopped"))


def test_moving_over_buckets_asks_the_server_for_nothing(person, proxy, new_bucket):
    for _ in range(3):
        new_bucket()
    browser = person.browse()
    browser.wait_quiet(0.2)
    before = proxy.names()
    for key in ("j", "j", "k", "G", "g"):
        browser.press(key)
        browser.wait_quiet(0.1)
    assert proxy.names() == before
