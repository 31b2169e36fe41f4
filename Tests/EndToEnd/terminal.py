"""A terminal for one program: keys go in by name, what the program draws comes out as text.

    with Terminal(["pail"], env=env, rows=24, columns=80) as terminal:
        terminal.wait_for("Buckets")
        terminal.press("j", "Enter", "^d", "Esc")
        print(terminal.text)
"""

import base64
import codecs
import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import pyte

KEYS = {
    "Enter": "\r",
    "Esc": "\x1b",
    "Tab": "\t",
    "BackTab": "\x1b[Z",
    "Space": " ",
    "Backspace": "\x7f",
    "Up": "\x1bOA",
    "Down": "\x1bOB",
    "Right": "\x1bOC",
    "Left": "\x1bOD",
    "Home": "\x1bOH",
    "End": "\x1bOF",
    "Insert": "\x1b[2~",
    "Delete": "\x1b[3~",
    "PageUp": "\x1b[5~",
    "PageDown": "\x1b[6~",
    "F1": "\x1bOP",
}


def bytes_of_key(name):
    """`name` is a key of KEYS, `^x` for Ctrl+x, or one character."""
    if name in KEYS:
        return KEYS[name].encode()
    if len(name) == 2 and name[0] == "^":
        return bytes([ord(name[1].upper()) & 0x1F])
    if len(name) == 1:
        return name.encode()
    raise ValueError(f"no such key: {name!r}")


class Screen(pyte.Screen):
    """pyte's screen, and what ncurses uses beyond it.

    REP (CSI n b) draws runs of one character; SU and SD (CSI n S, CSI n T) scroll a region.
    """

    _last_drawn = " "

    def draw(self, data):
        super().draw(data)
        if data:
            self._last_drawn = data[-1]

    def repeat_last(self, count=1, **_):
        super().draw(self._last_drawn * (count or 1))

    def scroll_up(self, count=1, **_):
        self._scroll(self.index, at_top=False, count=count)

    def scroll_down(self, count=1, **_):
        self._scroll(self.reverse_index, at_top=True, count=count)

    def _scroll(self, move, at_top, count):
        top, bottom = self.margins or (0, self.lines - 1)
        row = self.cursor.y
        self.cursor.y = top if at_top else bottom
        for _ in range(count or 1):
            move()
        self.cursor.y = row


class ScreenStream(pyte.Stream):
    csi = {**pyte.Stream.csi, "b": "repeat_last", "S": "scroll_up", "T": "scroll_down"}
    events = pyte.Stream.events | {"repeat_last", "scroll_up", "scroll_down"}


class Terminal:
    """Runs `argv` on a pseudo-terminal of its own, as the leader of a new session.

    A thread reads all the time, so that the program never waits for the test.
    """

    def __init__(self, argv, env, cwd=None, rows=30, columns=100, pass_fds=()):
        self.height, self.width = rows, columns
        self._screen = Screen(columns, rows)
        self._stream = ScreenStream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._raw = bytearray()
        self._changed = threading.Condition()
        self._fd, slave = pty.openpty()
        self._set_size(rows, columns)
        self.modes_before = termios.tcgetattr(slave)
        # setsid makes the terminal the controlling one and becomes the program: one process.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *map(str, argv)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            cwd=cwd,
            pass_fds=pass_fds,
        )
        # Held open so that the terminal can be examined once the program has ended.
        self._slave = slave
        # A file in use by a blocked read stays open whoever closes it: the reader only ever waits.
        self._waking, self._wake = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self):
        return self.process.pid

    def _set_size(self, rows, columns):
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)

    def _read(self):
        while True:
            ready, _, _ = select.select([self._fd, self._waking], [], [])
            if self._waking in ready:
                return
            try:
                data = os.read(self._fd, 65536)
            except OSError as error:
                if error.errno not in (errno.EIO, errno.EBADF):
                    raise
                data = b""
            with self._changed:
                if data:
                    self._raw += data
                    self._stream.feed(self._decoder.decode(data))
                self._changed.notify_all()
            if not data:
                return

    # What a person does

    def press(self, *names):
        """Presses keys one after the other, each as one write."""
        for name in names:
            os.write(self._fd, bytes_of_key(name))

    def type(self, text):
        os.write(self._fd, text.encode())

    def paste(self, text):
        """As a terminal with bracketed paste on does it."""
        os.write(self._fd, b"\x1b[200~" + text.encode() + b"\x1b[201~")

    def write(self, data):
        os.write(self._fd, data)

    def resize(self, rows, columns):
        with self._changed:
            self.height, self.width = rows, columns
            self._screen.resize(rows, columns)
        self._set_size(rows, columns)

    def signal(self, number):
        os.kill(self.pid, number)

    def hang_up(self):
        """Closes the terminal under the program, as a lost connection does."""
        os.write(self._wake, b"x")
        self._reader.join(timeout=5)
        os.close(self._slave)
        self._slave = -1
        os.close(self._fd)
        self._fd = -1

    def freeze(self):
        """Stops the output, as ^s does where it is not a key: who writes on is made to wait."""
        termios.tcflow(self._slave, termios.TCOOFF)

    def thaw(self):
        termios.tcflow(self._slave, termios.TCOON)

    # What a person sees

    @property
    def lines(self):
        with self._changed:
            return [line.rstrip() for line in self._screen.display]

    @property
    def text(self):
        return "\n".join(self.lines)

    def line_with(self, text):
        """The first row that shows `text`, or an empty one."""
        return next((line for line in self.lines if text in line), "")

    def cell(self, row, column):
        """pyte's cell: data, fg, bg, bold, reverse …"""
        with self._changed:
            return self._screen.buffer[row][column]

    def colours(self):
        """Every foreground and background colour on the screen now."""
        with self._changed:
            return {
                colour
                for row in range(self.height)
                for column in range(self.width)
                for colour in (
                    self._screen.buffer[row][column].fg,
                    self._screen.buffer[row][column].bg,
                )
            }

    @property
    def title(self):
        return self._screen.title

    @property
    def raw(self):
        """Every byte that the program has written."""
        with self._changed:
            return bytes(self._raw)

    @property
    def bytes_out(self):
        with self._changed:
            return len(self._raw)

    def clipboard(self):
        """The texts sent with OSC 52, oldest first."""
        found = re.findall(rb"\x1b\]52;[a-z]*;([A-Za-z0-9+/=]+)(?:\x07|\x1b\\)", self.raw)
        return [base64.b64decode(text).decode() for text in found]

    # Waiting

    def wait_until(self, holds, what, timeout=20.0):
        """Waits until `holds()`, asked after every piece of output; fails with the screen."""
        end = time.monotonic() + timeout
        while not holds():
            ended = self.process.poll() is not None
            if ended:
                self.wait_quiet(0.1)
                if holds():
                    return
            if ended or time.monotonic() > end:
                state = f"; it ended with status {self.process.poll()}" if ended else ""
                raise AssertionError(f"not within {timeout} s: {what}{state}\n{self.picture()}")
            with self._changed:
                self._changed.wait(0.05)

    def wait_for(self, what, timeout=20.0):
        """Waits for a text or a compiled pattern; gives the row, or the match."""
        if isinstance(what, re.Pattern):
            self.wait_until(lambda: what.search(self.text), f"/{what.pattern}/", timeout)
            return what.search(self.text)
        self.wait_until(lambda: what in self.text, repr(what), timeout)
        return self.line_with(what)

    def wait_gone(self, what, timeout=20.0):
        self.wait_until(lambda: what not in self.text, f"{what!r} gone", timeout)

    def wait_quiet(self, seconds=0.3, timeout=20.0):
        """Waits until nothing has been written for `seconds`; gives the bytes written so far."""
        end = time.monotonic() + timeout
        size, since = self.bytes_out, time.monotonic()
        while time.monotonic() - since < seconds:
            with self._changed:
                self._changed.wait(0.02)
            if self.bytes_out != size:
                size, since = self.bytes_out, time.monotonic()
            if time.monotonic() > end:
                raise AssertionError(f"never quiet for {seconds} s\n{self.picture()}")
        return size

    def wait_exit(self, timeout=20.0):
        """Waits for the end of the program and of its output; gives its exit status."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end within {timeout} s\n{self.picture()}") from None
        self.wait_quiet(0.1)
        return status

    def picture(self):
        bar = "─" * self.width
        return "\n".join([f"┌{bar}┐", *(f"│{line.ljust(self.width)}│" for line in self.lines), f"└{bar}┘"])

    # The end

    def modes_now(self):
        """The terminal's settings as the program left them."""
        return termios.tcgetattr(self._slave)

    def close(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(number)
                try:
                    self.process.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    continue
        if self._slave >= 0:
            os.close(self._slave)
            self._slave = -1
        # With the last slave closed the reader sees the end, and only then is its file closed.
        self._reader.join(timeout=5)
        os.write(self._wake, b"x")
        self._reader.join(timeout=5)
        for end in (self._waking, self._wake):
            os.close(end)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
