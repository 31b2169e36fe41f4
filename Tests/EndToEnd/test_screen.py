"""Help, errors, leaving, suspending, sizes, colours, and a terminal that is always restored."""

import random
import re
import signal
import termios

import pytest

ENTER_ALTERNATE, LEAVE_ALTERNATE = b"\x1b[?1049h", b"\x1b[?1049l"


def assert_restored(browser):
    """The shell that comes next must find the terminal as Pail had found it."""
    modes = browser.modes_now()
    assert modes[3] & (termios.ECHO | termios.ICANON) == (termios.ECHO | termios.ICANON)
    assert modes == browser.modes_before
    raw = browser.raw
    assert raw.count(ENTER_ALTERNATE) >= 1
    assert raw.rfind(LEAVE_ALTERNATE) > raw.rfind(ENTER_ALTERNATE)
    for on, off in ((b"\x1b[?2004h", b"\x1b[?2004l"), (b"\x1b[?25l", b"\x1b[?25h")):
        assert raw.rfind(off) >= raw.rfind(on)


def test_q_quits_and_leaves_the_terminal_as_it_was(person, bucket):
    browser = person.browse()
    browser.press("q")
    assert browser.wait_exit() == 0
    assert_restored(browser)


def test_ctrl_c_quits_too(person, bucket):
    browser = person.browse()
    browser.press("^c")
    assert browser.wait_exit() == 0
    assert_restored(browser)


def test_esc_never_quits(person, bucket):
    browser = person.browse()
    for _ in range(5):
        browser.press("Esc")
        browser.wait_quiet(0.1)
    assert browser.process.poll() is None
    browser.press("?")
    browser.wait_for(re.compile("[Hh]elp"))


ENDING = ["SIGTERM", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGUSR1", "SIGALRM"]


@pytest.mark.parametrize("number", [signal.Signals[name] for name in ENDING])
def test_the_terminal_is_restored_when_a_signal_ends_pail(person, bucket, number):
    browser = person.browse()
    browser.signal(number)
    status = browser.wait_exit()
    assert status != 0
    assert_restored(browser)


def test_a_lost_terminal_ends_pail_or_leaves_it_without_one(person, bucket):
    browser = person.browse()
    browser.hang_up()
    browser.process.wait(timeout=20)


def test_suspending_gives_the_shell_back_and_fg_brings_the_screen_back(person, bucket):
    shell = person.shell()
    shell.type("pail\r")
    shell.wait_for(bucket)
    for _ in range(2):
        shell.press("^z")
        shell.wait_for("Stopped")
        shell.type("echo typed-$((40+2))\r")
        shell.wait_for("typed-42")
        shell.type("fg\r")
        shell.wait_until(lambda: bucket in shell.text and "typed-42" not in shell.text, "the panes")
    shell.press("q")
    shell.wait_for("ready>")
    shell.type("echo back-$((40+3))\r")
    shell.wait_for("back-43")


def test_the_help_is_made_of_the_keys_that_work_and_can_be_searched(person, store, bucket):
    store.put(bucket, "x", b"1")
    browser = person.browse(f"s3://{bucket}")
    browser.press("?")
    browser.wait_for("delete marked or current")
    text = browser.text
    assert "upload" in text
    browser.type("presigned")
    browser.wait_until(lambda: "delete marked or current" not in browser.text, "fewer lines")
    assert "presigned" in browser.text
    browser.press("Esc")
    browser.wait_gone("presigned URL")
    browser.press("F1")
    browser.wait_for("delete marked or current")


def test_an_error_is_one_line_with_its_code_and_E_tells_all(person, store, bucket):
    browser = person.browse()
    browser.go("s3://no-such-bucket-at-all/")
    browser.wait_for("NoSuchBucket")
    assert "NoSuchBucket" in browser.bottom
    # The key that takes the line away is not swallowed.
    browser.press("E")
    browser.wait_for("Request ID")
    browser.press("Esc")
    browser.wait_gone("Request ID")


def test_a_dead_server_is_told_in_words_and_the_screen_lives_on(person):
    person.write_env(endpoint="http://127.0.0.1:9")
    browser = person.open()
    browser.wait_for("Error", timeout=60)
    browser.press("?")
    browser.wait_for("open the bucket")
    browser.press("Esc", "q")
    assert browser.wait_exit() == 0


def test_a_key_that_does_nothing_says_so_and_text_pasted_into_a_pane_is_ignored(person, bucket):
    browser = person.browse()
    browser.wait_for(bucket)
    browser.paste("qqDy\r")
    browser.wait_for(re.compile("[Pp]asted"))
    assert browser.process.poll() is None
    assert bucket in browser.text


def test_an_arrow_that_arrives_in_pieces_is_one_key(person, store, bucket):
    store.put(bucket, "a", b"1")
    store.put(bucket, "b", b"1")
    browser = person.browse(f"s3://{bucket}")
    browser.wait_selected("a")
    browser.write(b"\x1b")
    browser.wait_quiet(0.2)
    browser.write(b"O")
    browser.wait_quiet(0.2)
    browser.write(b"B")
    browser.wait_selected("b")


def test_a_storm_of_sizes_leaves_a_whole_screen(person, store, bucket):
    for number in range(40):
        store.put(bucket, f"object-{number:02}", b"1")
    browser = person.browse(f"s3://{bucket}")
    chance = random.Random(7)
    for _ in range(60):
        browser.resize(chance.randint(1, 60), chance.randint(1, 200))
        browser.press(chance.choice(["j", "k", "Tab", "G", "g"]))
    browser.resize(30, 100)
    browser.wait_until(
        lambda: browser.lines[1].startswith("┌") and browser.lines[1].endswith("┐"), "the panes"
    )
    browser.press("^l")
    browser.wait_quiet(0.3)
    assert "object-" in browser.text and bucket in browser.text
    assert len([line for line in browser.lines if "└" in line]) >= 1
    browser.press("q")
    assert browser.wait_exit() == 0


def test_colours_are_used_and_NO_COLOR_takes_them_away(person, store, bucket):
    store.put(bucket, "p/x", b"1")
    coloured = person.browse(f"s3://{bucket}")
    coloured.wait_quiet(0.2)
    assert coloured.colours() != {"default"}
    plain = person.browse(f"s3://{bucket}", env={"NO_COLOR": "1"})
    plain.wait_quiet(0.2)
    assert plain.colours() == {"default"}
    assert "▸" in plain.text


def test_a_full_repaint_is_small(person, store, bucket):
    for number in range(40):
        store.put(bucket, f"object-{number:02}.txt", b"1")
    browser = person.browse(f"s3://{bucket}", rows=35, columns=120)
    before = browser.wait_quiet(0.5)
    browser.press("^l")
    browser.wait_until(lambda: browser.bytes_out > before, "a repaint")
    assert browser.wait_quiet(0.5) - before <= 5120


def test_without_a_terminal_the_browser_says_what_to_do(person):
    done = person.run()
    assert done.returncode != 0
    assert b"terminal" in done.stderr


def test_without_keys_a_screen_says_where_pail_looked_and_what_to_put_where(person):
    (person.work / ".env").unlink()
    terminal = person.open()
    terminal.wait_for("AWS_ACCESS_KEY_ID")
    text = terminal.text
    assert "AWS_SECRET_ACCESS_KEY" in text and ".env" in text
    terminal.press("q")
    assert terminal.wait_exit() is not None
