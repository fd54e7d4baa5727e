"""Everything that the README tells people to type works."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<code>.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
MAKE = re.compile(r"(?:\w+=\S+ +)*make +(?:\w+=\S+ +)*([a-z][\w-]*)")
WDDKIT = re.compile(r"(?:\S*/)?wddkit +([a-z][\w-]*)")


def blocks(language: str) -> list[tuple[int, str]]:
    """Line of the first character and text of every block of this language."""
    text = README.read_text("utf-8")
    found = [match for match in FENCE.finditer(text) if match["language"] == language]
    return [(text.count("\n", 0, match.start("code")), match["code"]) for match in found]


def commands(pattern: re.Pattern[str]) -> list[str]:
    """What follows `make` or `wddkit` in the shell blocks and in the inline code, each once."""
    lines = [line for _, code in blocks("bash") for line in code.splitlines()]
    inline = re.findall(r"`([^`\n]+)`", FENCE.sub("", README.read_text("utf-8")))
    parts = [part.strip().removeprefix("$ ") for line in lines + inline for part in re.split(r"&&|;|\|", line)]
    return list(dict.fromkeys(match[1] for part in parts if (match := pattern.match(part))))


def test_the_readme_names_the_first_command_and_the_test_command() -> None:
    assert {"demo", "lab", "test"} <= set(commands(MAKE))


def test_every_block_says_which_language_it_is_so_that_it_is_tested() -> None:
    assert {match["language"] for match in FENCE.finditer(README.read_text("utf-8"))} <= {"bash", "python", "text"}


def test_every_file_that_the_readme_links_to_exists() -> None:
    links = LINK.findall(README.read_text("utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("target", commands(MAKE))
def test_make_knows_the_target(target: str) -> None:
    quiet = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", "-n", target], cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", commands(WDDKIT))
def test_the_command_line_knows_the_command(name: str) -> None:
    command = [str(Path(sys.executable).parent / "wddkit"), name, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_python_of_the_readme_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert blocks("python") != []
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "readme"}
    for first, code in blocks("python"):
        # Empty lines in front: an error shows the README's own line.
        exec(compile("\n" * first + code, README, "exec"), namespace)
