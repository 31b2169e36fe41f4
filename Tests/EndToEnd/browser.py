"""Pail's browser as a person reads it: panes, rows, the selection, the line at the bottom."""

import re
from dataclasses import dataclass

from terminal import Terminal


@dataclass
class Row:
    is_selected: bool
    is_marked: bool
    name: str
    columns: list


class Browser(Terminal):
    """A terminal in which `pail` shows its panes."""

    @property
    def header(self):
        return self.lines[0]

    @property
    def bottom(self):
        """The line of messages and hints."""
        return self.lines[-1]

    def _cells(self, row, start, end):
        return "".join(self._screen.buffer[row][column].data for column in range(start, end))

    def rows(self):
        """The rows of the object pane that are on the screen."""
        with self._changed:
            top = self._cells(1, 0, self.width)
            if "Name" not in top:
                return []
            left = top.rfind("┌", 0, top.index("Name"))
            found = []
            for row in range(2, self.height):
                if self._cells(row, left, left + 1) != "│":
                    break
                marker, mark = self._cells(row, left + 1, left + 2), self._cells(row, left + 2, left + 3)
                text = self._cells(row, left + 3, self.width - 1)
                parts = re.split(r"\s{2,}", text.strip())
                if parts != [""]:
                    found.append(Row(marker == "▸", mark == "*", parts[0], parts[1:]))
            return found

    @property
    def names(self):
        return [row.name for row in self.rows()]

    @property
    def selected(self):
        """The name of the selected row of the object pane."""
        return next((row.name for row in self.rows() if row.is_selected), None)

    @property
    def footer(self):
        """The lower border of the object pane: counts, marks, whether more is coming."""
        return next((line for line in self.lines[2:] if re.search(r"└[^│]*┘?$", line) and "─" in line), "")

    @property
    def focus(self):
        """`buckets`, `objects` or `transfers`: the title with the marker."""
        text = self.text
        for title, name in (("▸Buckets", "buckets"), ("▸Name", "objects"), ("▸Transfers", "transfers")):
            if title in text:
                return name
        return None

    def wait_focus(self, name):
        self.wait_until(lambda: self.focus == name, f"the focus on {name}")

    def wait_selected(self, name):
        self.wait_until(lambda: self.selected == name, f"{name!r} selected")

    def wait_listed(self, *names):
        self.wait_until(
            lambda: set(names) <= set(self.names), f"rows {names}, there are {self.names}"
        )

    def go(self, place):
        """Jumps with the command line, such as to `s3://bucket/prefix/`."""
        self.press(":")
        self.type(place)
        self.wait_until(lambda: place[-20:] in self.bottom, "the command on the bottom line")
        self.press("Enter")
        self.wait_until(lambda: place.rstrip("/")[-15:] in self.header, f"{place} in the header")

    @property
    def selected_bucket(self):
        """The name of the selected row of the bucket pane."""
        found = re.search(r"^│▸ (\S+)", self.text, re.MULTILINE)
        return found.group(1) if found else None

    def select(self, name):
        """Moves down from the first row of the object pane until `name` is selected."""
        self.wait_until(lambda: self.selected is not None, "a selected row")
        self.press("g")
        self.wait_until(lambda: (rows := self.rows()) and rows[0].is_selected, "the first row")
        self._walk_to(name, lambda: self.selected)

    def select_bucket(self, name):
        """Moves down the bucket pane, which has the focus, until `name` is selected."""
        self.wait_for(name)
        self.press("g")
        self.wait_until(lambda: self.lines[2].startswith("│▸"), "the first bucket")
        self._walk_to(name, lambda: self.selected_bucket)

    def _walk_to(self, name, selected):
        while (before := selected()) != name:
            self.press("j")
            self.wait_until(lambda: selected() not in (before, None), f"{name!r} on the way down")
