"""What `make install` puts beside the program: the manual and completions, which load and agree."""

import re
import subprocess

import pytest
from terminal import Terminal

COMMANDS = ["ls", "mb", "rb", "put", "get", "cat", "cp", "mv", "rm", "du", "presign", "stat", "transfers", "history", "doctor"]
PARTS = ["transfers list", "transfers resume", "transfers abort", "history verify", "history settle", "history archive"]


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
    assert done.returncode == 0, done.stderr.decode()
    return done


@pytest.fixture
def installed(person, root, tmp_path):
    """`make install` without its build."""
    prefix = tmp_path / "a prefix"
    script = 'source Tests/Support/setup.bash; install_pail "$1" "$2"'
    run("bash", "-euc", script, "bash", person.binary, prefix, cwd=root)
    return prefix


def test_install_puts_everything_in_its_place(installed):
    found = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    assert found == {
        "bin/pail",
        "share/man/man1/pail.1",
        "share/bash-completion/completions/pail",
        "share/zsh/site-functions/_pail",
        "share/fish/vendor_completions.d/pail.fish",
    }
    assert run(installed / "bin/pail", "--version").stdout.startswith(b"pail ")


def test_the_manual_has_every_command_and_no_warning(installed):
    page = installed / "share/man/man1/pail.1"
    shown = run("man", "--warnings", "-l", page, env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LANG": "C.UTF-8"})
    assert shown.stderr == b""
    text = re.sub(r".\x08", "", shown.stdout.decode())
    for command in COMMANDS:
        assert re.search(rf"^ +pail {command}\b", text, re.MULTILINE), command
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS OF EVERY COMMAND"):
        assert re.search(rf"^{heading}$", text, re.MULTILINE), heading
    assert "--endpoint-url url" in text
    assert text.count("--endpoint-url url\n") == 1, "the options of every command stand there once"
    lint = run("mandoc", "-T", "lint", "-W", "style", page)
    assert lint.stdout == b""


def completed(installed, *words, **options):
    """What bash offers for the last of `words`."""
    script = """
      source "$1"; shift
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
      COMP_TYPE=9; COMP_KEY=9
      spec=$(complete -p pail); spec=${spec#*-F }; "${spec%% *}" pail "${@: -1}" "${@: -2:1}"
      printf '%s\\n' "${COMPREPLY[@]}"
    """
    path = installed / "share/bash-completion/completions/pail"
    done = run("bash", "--norc", "-c", script, "bash", path, *words, **options)
    return [word.strip() for word in done.stdout.decode().splitlines()]


def test_bash_completes_commands_options_and_values(installed):
    commands = completed(installed, "pail", "")
    assert set(COMMANDS) <= set(commands)
    assert {"--recursive", "--profile"} <= set(completed(installed, "pail", "put", "--"))
    assert {"--utc", "--profile", "--version"} <= set(completed(installed, "pail", "--"))
    assert set(COMMANDS) <= set(completed(installed, "pail", "--profile", "ana", ""))
    after = completed(installed, "pail", "--profile", "ana", "--quiet", "put", "--")
    assert {"--recursive", "--profile"} <= set(after)
    assert set(completed(installed, "pail", "presign", "--method", "")) == {"get", "put"}
    assert set(COMMANDS) <= set(completed(installed, "pail", "help", ""))
    assert completed(installed, "pail", "help", "pres") == ["presign"]
    assert completed(installed, "pail", "help", "history", "") == ["verify", "settle", "archive"]
    assert completed(installed, "pail", "help", "transfers", "ab") == ["abort"]
    assert completed(installed, "pail", "help", "ls", "") == [""]
    assert completed(installed, "pail", "help", "history", "verify", "") == [""]
    assert "--version" not in completed(installed, "pail", "ls", "--")
    # Readline takes a place apart at its colons.
    for place in (["s3", ":", "//b/p"], ["s3", ":", "//b/a", ":", "c:"], ["s3", "://b/p"]):
        assert completed(installed, "pail", "ls", *place, "--rec") == ["--recursive"]
        assert completed(installed, "pail", "--json", "ls", *place, "--rec") == ["--recursive"]
    assert completed(installed, "pail", "presign", "s3", ":", "//b/k", "--method", "p") == ["put"]

    person_files = installed.parent / "files"
    person_files.mkdir()
    (person_files / "site.html").touch()
    assert completed(installed, "pail", "put", "si", cwd=person_files) == ["site.html"]


def test_fish_completes_commands_options_values_and_files(installed, tmp_path):
    page = installed / "share/fish/vendor_completions.d/pail.fish"
    (tmp_path / "site.html").touch()

    def offered(line):
        script = "source $argv[1]; complete -C $argv[2]"
        done = run("fish", "--no-config", "-c", script, page, line, cwd=tmp_path)
        return {line.split("\t")[0] for line in done.stdout.decode().splitlines()}

    assert set(COMMANDS) <= offered("pail ")
    assert {"--recursive", "--profile"} <= offered("pail put --")
    assert {"--utc", "--profile", "--version"} <= offered("pail --")
    assert set(COMMANDS) <= offered("pail --profile ana ")
    assert {"--recursive", "--region"} <= offered("pail --profile ana --quiet put --")
    assert {"verify", "settle", "archive"} <= offered("pail history ")
    assert set(COMMANDS) <= offered("pail help ")
    assert offered("pail help history ") == {"verify", "settle", "archive"}
    assert offered("pail help transfers ab") == {"abort"}
    assert not {"ls", "verify"} & offered("pail help ls ")
    assert "--version" not in offered("pail ls --")
    assert "--recursive" in offered("pail ls s3://b/p --rec")
    assert offered("pail presign --method ") == {"get", "put"}
    assert "site.html" in offered("pail put si")


def test_zsh_completes_commands_options_values_and_files(installed, person):
    person.file("site.html", b"")
    functions = installed / "share/zsh/site-functions"
    shell = Terminal(
        ["zsh", "-f", "-i"],
        env={**person.env, "PATH": f"{installed / 'bin'}:{person.env['PATH']}", "PS1": "ready> "},
        cwd=person.work,
        rows=24,
        columns=100,
    )
    person.terminals.append(shell)
    shell.wait_for("ready>")
    shell.type(f"fpath=('{functions}' $fpath); autoload -Uz compinit; compinit -u -D; clear")
    shell.press("Enter")
    shell.wait_gone("compinit")
    for typed, whole in (
        ("pail pres", "pail presign "),
        ("pail put --content-t", "pail put --content-type "),
        ("pail history ver", "pail history verify "),
        ("pail presign --method p", "pail presign --method put "),
        ("pail put si", "pail put site.html "),
        ("pail --ut", "pail --utc "),
        ("pail help pres", "pail help presign "),
        ("pail help history ver", "pail help history verify "),
        ("pail help transfers ab", "pail help transfers abort "),
        ("pail ls s3://b/p --rec", "pail ls s3://b/p --recursive "),
        # Where a place may stand as well.
        ("pail ls --rec", "pail ls --recursive "),
        ("pail stat --vers", "pail stat --version-id "),
        ("pail cp s3://b/p --dry", "pail cp s3://b/p --dry-run "),
        ("pail transfers resume --dead", "pail transfers resume --dead-host "),
        ("pail --profile ana pres", "pail --profile ana presign "),
    ):
        shell.wait_until(lambda: shell.text.rstrip().endswith("ready>"), "an empty line")
        shell.type(typed)
        shell.press("Tab")
        shell.wait_for(f"ready> {whole}".rstrip())
        shell.press("^u", "^l")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_what_is_special_before_what_is_common(person, command):
    text = run(person.binary, command, "--help").stdout.decode()
    assert 0 < text.index("\nOPTIONS:") < text.index("\nOPTIONS OF EVERY COMMAND:")


@pytest.mark.parametrize("command", [*COMMANDS, "browse", *PARTS])
def test_help_shows_that_options_may_be_left_out(person, command):
    text = run(person.binary, *command.split(), "--help").stdout.decode()
    usage = text.split("\nUSAGE: ")[1].split("\n\n")[0]
    assert usage.count("<options>") == usage.count("[<options>]") > 0


@pytest.mark.parametrize("command", [*COMMANDS, "browse", "history verify"])
def test_help_has_an_example(person, command):
    text = run(person.binary, *command.split(), "--help").stdout.decode()
    examples = text.split("Example", 1)[1]
    line = "pail" if command == "browse" else f"pail {command}"
    assert f"\n  {line}" in examples


def test_help_of_what_is_no_command_is_wrong_usage(person):
    done = person.run("help", "nosuch")
    assert done.returncode == 64 and b"there is no command nosuch" in done.stderr
    meant = person.run("histroy", "--json")
    assert meant.returncode == 64 and b"Did you mean pail history?" in meant.stderr
    assert meant.stdout == b""
    for command in (["help"], ["help", "history", "verify"], ["help", "help"]):
        assert person.run(*command).returncode == 0


def test_the_help_is_that_of_the_command_that_is_named_behind_it(person):
    own = run(person.binary, "--help").stdout
    assert b"\n  --version " in own
    for words in (["-h"], ["--help", "--json"], ["--json", "-h"]):
        assert run(person.binary, *words).stdout == own
    assert run(person.binary, "--help", "ls").stdout == run(person.binary, "ls", "--help").stdout
    assert b"--version " not in run(person.binary, "ls", "--help").stdout
    assert person.run("ls", "--version").returncode == 64
