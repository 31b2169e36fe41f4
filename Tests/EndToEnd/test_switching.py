"""`S` in the browser: another profile on the same screen; and signing in without leaving it."""

import pytest
from test_sign_in import company, portal, sign_in  # noqa: F401  (fixtures)


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
