"""The tests' own terminal: what it cannot see, no other test would notice."""

import os
import sys

import pytest
from terminal import Terminal, bytes_of_key

ENVIRONMENT = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}


def python(script, **options):
    return Terminal([sys.executable, "-c", script], env=ENVIRONMENT, **options)


def test_shows_what_a_program_draws_with_wide_and_repeated_characters():
    with python(r"print('\x1b[2J\x1b[3;5H日本x\x1b[1;1Hab\x1b[5b', flush=True); input()") as terminal:
        terminal.wait_for("日本x")
        assert terminal.lines[0] == "abbbbbb"
        assert terminal.cell(2, 8).data == "x"


def test_keys_arrive_by_name_and_the_exit_status_is_seen():
    script = (
        "import os, sys, tty; tty.setraw(0); print('ready', flush=True)\n"
        "sys.exit(7 if os.read(0, 9) == b'\\x04' else 8)"
    )
    with python(script) as terminal:
        terminal.wait_for("ready")
        terminal.press("^d")
        assert terminal.wait_exit() == 7


def test_a_text_sent_to_the_clipboard_is_decoded():
    with python(r"print('\x1b]52;c;aGVsbG8=\x07done', flush=True); input()") as terminal:
        terminal.wait_for("done")
        assert terminal.clipboard() == ["hello"]


def test_a_wait_that_fails_shows_the_screen():
    with python("print('something else', flush=True); input()") as terminal:
        with pytest.raises(AssertionError, match="something else"):
            terminal.wait_for("never shown", timeout=0.5)


def test_a_new_size_reaches_the_program():
    script = (
        "import os, signal\n"
        "def tell(*_): os.write(1, str(os.get_terminal_size()).encode())\n"
        "signal.signal(signal.SIGWINCH, tell)\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()"
    )
    with python(script, rows=24, columns=80) as terminal:
        terminal.wait_for("ready")
        terminal.resize(50, 132)
        terminal.wait_for("columns=132, lines=50")


def test_an_unknown_key_is_refused():
    with pytest.raises(ValueError):
        bytes_of_key("Entre")
