"""`S` in the browser: another profile on the same screen; and signing in without leaving it."""

import base64
import os

import pytest
from proxy import Proxy
from servers import SeaweedFS
from test_background import wait_until
from test_sign_in import company, portal, sign_in  # noqa: F401  (fixtures)
from test_transfers import MEBIBYTE, upload


@pytest.fixture
def two_profiles(person, store):
    """`ana` may do everything; `production` is the same store, red and protected."""
    (person.work / ".env").unlink()
    folder = person.home / ".aws"
    folder.mkdir()
    keys = f"aws_access_key_id = {store.access_key}\naws_secret_access_key = {store.secret_key}\n"
    place = f"region = us-east-1\nendpoint_url = {store.endpoint}\n"
    (folder / "config").write_text(
        f"[profile ana]\n{keys}{place}[profile production]\n{keys}{place}"
    )
    config = person.home / "config" / "pail"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(
        '[profiles.production]\ncolour = "red"\nread_only = true\n'
    )
    person.env["AWS_PROFILE"] = "ana"


def switch(browser, profile, clear):
    browser.press("S")
    browser.wait_for("Work as")
    browser.press(*["Backspace"] * clear)
    browser.type(profile)
    browser.press("Enter")
    browser.wait_until(lambda: f"pail  {profile} " in browser.header, f"{profile} in the header")


def test_another_profile_takes_over_and_each_comes_back_to_its_place(
    person, store, bucket, two_profiles
):
    store.put(bucket, "a/one.txt", b"1")
    store.put(bucket, "b/two.txt", b"2")
    browser = person.browse(f"s3://{bucket}/a/")
    browser.wait_listed("one.txt")
    assert "read-only" not in browser.header
    switch(browser, "production", clear=3)
    assert "read-only" in browser.header
    browser.wait_for(bucket)
    browser.go(f"s3://{bucket}/b/")
    browser.wait_listed("two.txt")
    # What changes something is refused below the screen, and the object stays.
    browser.select("two.txt")
    browser.press("D")
    browser.wait_for("Delete")
    browser.press("y")
    browser.wait_for("read-only")
    assert store.keys(bucket) == ["a/one.txt", "b/two.txt"]
    browser.press("Esc", "Esc")
    switch(browser, "ana", clear=len("production"))
    browser.wait_listed("one.txt")
    assert "read-only" not in browser.header
    switch(browser, "production", clear=3)
    browser.wait_listed("two.txt")
    browser.press("q")
    browser.wait_exit()


def test_the_next_run_begins_where_each_profile_was_left(person, store, new_bucket, two_profiles):
    first, second = new_bucket("first"), new_bucket("second")
    store.put(first, "a/one.txt", b"1")
    store.put(second, "b/two.txt", b"2")
    for profile, bucket, prefix in (("ana", first, "a/"), ("production", second, "b/")):
        browser = person.browse(f"s3://{bucket}/{prefix}", env={"AWS_PROFILE": profile})
        browser.press("q")
        browser.wait_exit()
    browser = person.open()
    browser.wait_listed("one.txt")
    assert f"s3://{first}/a/" in browser.header
    switch(browser, "production", clear=3)
    browser.wait_listed("two.txt")
    browser.press("q")
    browser.wait_exit()
    kept = person.home / "state" / "pail" / "places.json"
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700
    store.drop(first)
    browser = person.open()
    browser.wait_for(f"You were at s3://{first}/a/ last, but its bucket is not there any more")
    browser.wait_for(second)
    browser.wait_focus("buckets")
    browser.press("q")
    browser.wait_exit()
    browser = person.open()
    browser.wait_for(second)
    assert "You were at" not in browser.text


@pytest.fixture
def two_servers(person, store, two_profiles):
    """`ana` works through a proxy that can hold her requests, `production` does not."""
    with Proxy(store.endpoint) as between:
        config = person.home / ".aws" / "config"
        head, rest = config.read_text().split("[profile production]")
        rest = rest.replace(store.access_key, SeaweedFS.other_access_key)
        rest = rest.replace(store.secret_key, SeaweedFS.other_secret_key)
        config.write_text(
            f"{head.replace(store.endpoint, between.endpoint)}[profile production]{rest}"
        )
        yield between


def switch_during_upload(person, bucket, between, skip=0):
    """Begins an upload as `ana`, which is held after `skip` parts, and goes on as `production`."""
    body = os.urandom(40 * MEBIBYTE)
    person.file("large.bin", body)
    hold = between.hold("answer", operation="UploadPart", skip=skip, times=99)
    browser = person.browse(f"s3://{bucket}/")
    upload(browser, "large.bin")
    hold.wait()
    browser.press("S")
    browser.wait_for("The transfer that runs goes on as before")
    browser.press("Esc")
    switch(browser, "production", clear=3)
    browser.wait_for("of ana")
    return browser, hold, body


def test_transfers_go_on_with_the_session_that_they_were_started_with(
    person, store, bucket, two_servers
):
    browser, hold, body = switch_during_upload(person, bucket, two_servers)
    # It can be held and let go from here, and the socket is still that of this process.
    sockets = list((person.home / "state" / "pail" / "run").iterdir())
    assert [each.name for each in sockets] == [f"{browser.process.pid}.sock"]
    browser.press("t", "p")
    browser.wait_for("paused")
    browser.press("p")
    browser.wait_until(lambda: "paused" not in browser.text, "going on")
    browser.press("t")
    hold.release()
    browser.wait_for("Uploaded 1 file")
    assert store.get(bucket, "large.bin") == body
    (row,) = person.changes()
    assert row["outcome"] == "done" and row["accessKeyID"] == store.access_key
    assert row["endpoint"] == two_servers.endpoint
    browser.press("q")
    browser.wait_exit()


def test_quitting_stops_the_transfers_of_every_session(person, store, bucket, two_servers):
    browser, hold, _ = switch_during_upload(person, bucket, two_servers, skip=2)
    browser.press("q")
    browser.wait_for("1 transfer is still running")
    browser.press("s")
    browser.wait_exit()
    hold.release()
    assert b"large.bin" in person.run("transfers").stdout
    assert person.run("transfers", "resume").returncode == 0
    assert store.keys(bucket) == ["large.bin"]
    assert store.uploads(bucket) == []


def test_the_background_goes_on_with_the_transfers_of_an_earlier_session(
    person, store, bucket, two_servers
):
    browser, hold, body = switch_during_upload(person, bucket, two_servers, skip=2)
    browser.press("q")
    browser.wait_for("1 transfer is still running")
    browser.press("b")
    browser.wait_exit()
    hold.release()
    assert b"in the background as process" in browser.raw
    wait_until(lambda: store.keys(bucket) == ["large.bin"], "the object")
    assert store.get(bucket, "large.bin") == body


def test_losing_the_terminal_after_a_switch_stops_nothing(person, store, bucket, two_servers):
    browser, hold, _ = switch_during_upload(person, bucket, two_servers)
    browser.hang_up()
    hold.release()
    assert browser.process.wait(timeout=60) == 0
    assert store.keys(bucket) == ["large.bin"]
    assert [row["outcome"] for row in person.changes()] == ["done"]


def test_endpoint_region_and_user_are_switched_as_well(person, bucket, two_profiles, moto):
    browser = person.browse(f"s3://{bucket}/")
    browser.press("S")
    browser.wait_for("Work as")
    browser.press("Tab")
    browser.type(moto.endpoint)
    browser.press("Tab")
    browser.type("eu-west-9")
    browser.press("Tab")
    browser.type("eva")
    browser.press("Enter")
    browser.wait_for(moto.bucket)
    for word in (moto.endpoint.removeprefix("http://"), "eu-west-9", "eva", person.login):
        assert word in browser.header, browser.header
    assert bucket not in browser.text
    # What is done now is done by that name, there.
    browser.go(f"s3://{moto.bucket}/")
    browser.press("a")
    browser.wait_for("prefix")
    browser.type("made")
    browser.press("Enter")
    browser.wait_listed("made/")
    (row,) = person.changes()
    assert (row["user"], row["endpoint"]) == ("eva", moto.endpoint)
    browser.press("q")
    browser.wait_exit()


def test_whoever_is_killed_comes_back_to_the_place_as_well(person, store, bucket, two_profiles):
    store.put(bucket, "a/one.txt", b"1")
    browser = person.browse(f"s3://{bucket}/")
    browser.wait_listed("a/")
    browser.select("a/")
    browser.press("Enter")
    browser.wait_listed("one.txt")
    kept = person.home / "state" / "pail" / "places.json"
    prefix = base64.b64encode(b"a/")
    wait_until(lambda: kept.exists() and prefix in kept.read_bytes(), "the place on the disk")
    browser.process.kill()
    browser.process.wait(timeout=30)
    browser = person.open()
    browser.wait_listed("one.txt")
    assert f"s3://{bucket}/a/" in browser.header
    browser.press("q")
    browser.wait_exit()


def test_a_profile_that_does_not_exist_leaves_everything_as_it_was(person, bucket, two_profiles):
    browser = person.browse(f"s3://{bucket}/")
    browser.press("S")
    browser.wait_for("Work as")
    browser.type("x")
    browser.press("Enter")
    browser.wait_for("There is no profile anax")
    browser.press("Esc")
    assert bucket in browser.header and "pail  ana" in browser.header


def test_read_only_of_a_profile_holds_for_commands(person, bucket, two_profiles):
    person.file("a.txt", b"abc")
    done = person.run("put", "a.txt", f"s3://{bucket}/a.txt", "--profile", "production")
    assert done.returncode == 1 and b"read-only" in done.stderr
    doctor = person.run("doctor", "--offline", "--profile", "production")
    assert b"[profiles.production] of" in doctor.stdout
    assert person.run("put", "a.txt", f"s3://{bucket}/a.txt").returncode == 0


def test_signing_in_elsewhere_needs_no_new_start(person, company, moto):  # noqa: F811
    browser = person.open()
    browser.wait_for("aws sso login --profile company")
    sign_in(person, ends_in=8 * 3600)
    browser.press("Enter")
    browser.wait_for(moto.bucket)
    browser.press("q")
    browser.wait_exit()
