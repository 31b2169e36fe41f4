"""What `make install` puts beside the program: the manual and completions, which load and agree."""

import re
import subprocess

import pytest

COMMANDS = ["ls", "mb", "rb", "put", "get", "cat", "cp", "mv", "rm", "du", "presign", "stat", "history", "doctor"]


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
    lint = run("mandoc", "-T", "lint", "-W", "warning", page)
    assert lint.stdout == b""


def completed(installed, *words):
    """What bash offers for the last of `words`."""
    script = """
      source "$1"; shift
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
      COMP_TYPE=9; COMP_KEY=9
      spec=$(complete -p pail); spec=${spec#*-F }; "${spec%% *}" pail "${@: -1}" "${@: -2:1}"
      printf '%s\\n' "${COMPREPLY[@]}"
    """
    path = installed / "share/bash-completion/completions/pail"
    done = run("bash", "--norc", "-c", script, "bash", path, *words)
    return [word.strip() for word in done.stdout.decode().splitlines()]


def test_bash_completes_commands_options_and_values(installed):
    commands = completed(installed, "pail", "")
    assert set(COMMANDS) <= set(commands)
    assert {"--recursive", "--profile"} <= set(completed(installed, "pail", "put", "--"))
    assert set(completed(installed, "pail", "presign", "--method", "")) == {"get", "put"}


def test_zsh_and_fish_read_their_completions(installed):
    run("zsh", "-n", installed / "share/zsh/site-functions/_pail")
    run("fish", "--no-config", "-n", installed / "share/fish/vendor_completions.d/pail.fish")
    offered = run(
        "fish",
        "--no-config",
        "-c",
        'source $argv[1]; complete -C "pail "',
        installed / "share/fish/vendor_completions.d/pail.fish",
    )
    names = [line.split("\t")[0] for line in offered.stdout.decode().splitlines()]
    assert set(COMMANDS) <= set(names)


@pytest.mark.parametrize("command", [*COMMANDS, "browse", "history verify"])
def test_help_has_an_example(person, command):
    text = run(person.binary, *command.split(), "--help").stdout.decode()
    examples = text.split("Example", 1)[1]
    line = "pail" if command == "browse" else f"pail {command}"
    assert f"\n  {line}" in examples
