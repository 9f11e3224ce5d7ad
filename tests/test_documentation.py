"""README, --help and the example configuration hold exactly the options that there are."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import photosync
from photosync import parser
from photosync.degree import Degree
from photosync.options import COMMANDS, OPTIONS, Option
from photosync.parser import ConfigFile, build_parser
from photosync.settings import load_settings

ROOT = Path(photosync.__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLE = (ROOT / "config.example.ini").read_text("utf-8")
HELP = build_parser(ConfigFile, default_file=False).format_help()
FILLED_IN = {"url", "username", "password-file"}

# A row of README's option table: | `-m`, `--max-cache` | `250` | megabytes ... |
ROW = re.compile(
    r"^\| *(?:`-(?P<short>\w)(?: \w+)?`,? *)?`--(?P<name>[a-z-]+)[^`]*` *\|(?P<default>[^|]*)\|(?P<meaning>[^|]+)\|"
)


def readme_rows() -> dict[str, re.Match[str]]:
    found = [match for line in README.splitlines() if (match := ROW.match(line))]
    names = [match["name"] for match in found]
    assert len(names) == len(set(names))
    return {match["name"]: match for match in found}


def example_lines() -> dict[str, tuple[str, bool]]:
    """The value of each key, and whether it is commented out."""
    found = re.findall(r"^(#?)([a-z][a-z-]*) *=(.*)$", EXAMPLE, re.MULTILINE)
    assert len({key for _, key, _ in found}) == len(found)
    return {key: (value.strip(), bool(mark)) for mark, key, value in found}


def by_name(rows: tuple[Option, ...] = OPTIONS) -> dict[str, Option]:
    return {option.name: option for option in rows}


class TestReadme:
    def test_its_table_holds_exactly_the_options(self) -> None:
        assert set(readme_rows()) - set(COMMANDS) - {"config", "version", "help"} == set(by_name())

    @pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
    def test_its_rows_tell_short_flags_and_defaults(self, option: Option) -> None:
        row = readme_rows()[option.name]
        assert (row["short"] or "") == option.short
        assert row["default"].replace("`", "").replace("(", "").replace(")", "").strip() == option.default
        assert len(row["meaning"].strip()) > 10

    @pytest.mark.parametrize("command", COMMANDS)
    def test_it_tells_the_commands(self, command: str) -> None:
        assert f"--{command}" in README

    def test_it_names_no_option_that_does_not_exist(self) -> None:
        mentioned = set(re.findall(r"photos-sync [^`\n]*?--([a-z][a-z-]+)", README))
        assert mentioned <= {*by_name(), *COMMANDS, "config", "version", "help"}

    def test_it_names_no_variable_that_does_not_exist(self) -> None:
        mentioned = set(re.findall(r"PHOTOS_SYNC_[A-Z_]*[A-Z]", README))
        assert mentioned <= {option.variable for option in OPTIONS}

    def test_it_explains_each_degree_of_failure_once(self) -> None:
        assert sorted(re.findall(r"^\| `([a-z_]+)` \|.*\|.*\|.*\|$", README, re.MULTILINE)) == sorted(Degree)


class TestHelp:
    @pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
    def test_it_tells_flag_meaning_and_default(self, option: Option) -> None:
        text = " ".join(re.sub(r"-\n +", "-", HELP).split())
        start = text.index(f"--{option.name} ", text.index("options:"))
        entry = text[start : start + 400]
        assert " ".join(option.help.split())[:40] in entry
        assert not option.default or f"(default: {option.default})" in entry
        assert not option.short or re.search(rf"-{option.short} \w+, --{option.name}", text)

    def test_it_tells_no_option_that_is_not_in_the_table(self) -> None:
        told = set(re.findall(r"^ {2}(?:-\w(?: \w+)?, )?--([a-z-]+)", HELP, re.MULTILINE))
        assert told == {*by_name(), *COMMANDS, "help", "version", "config"}

    def test_no_default_is_a_secret(self) -> None:
        assert all(not option.default for option in OPTIONS if option.password)


class TestExampleConfiguration:
    def test_it_holds_exactly_the_options(self) -> None:
        assert set(example_lines()) == set(by_name())

    def test_only_what_has_to_be_filled_in_is_not_commented_out(self) -> None:
        assert {key for key, (_, commented) in example_lines().items() if not commented} == FILLED_IN

    @pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
    def test_what_is_commented_out_is_the_default(self, option: Option) -> None:
        value, _ = example_lines()[option.name]
        if option.name == "port":
            assert value == option.default.partition(",")[0]
        elif option.flag:
            assert value == "no"
        elif option.name not in FILLED_IN:
            assert value == option.default

    def test_each_option_is_explained(self) -> None:
        previous = ""
        for line in EXAMPLE.splitlines():
            if re.match(r"#?[a-z-]+ *=", line):
                assert previous.startswith("# "), line
            previous = line

    def test_it_loads_and_is_what_holds_without_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parser, "DEFAULT_CONFIG", str(tmp_path / "missing.ini"))
        secret = tmp_path / "password"
        secret.write_text("open sesame\n")
        secret.chmod(0o600)
        flags = ["--password-file", str(secret)]
        settings = replace(load_settings(["-c", str(ROOT / "config.example.ini"), *flags], {}), device_file=None)
        assert settings == load_settings(["-u", "picture-frame", "-U", "nas.local", *flags], {})
        assert settings.warnings == ()

    def test_it_loads_with_every_comment_mark_in_front_of_an_option_removed(self, tmp_path: Path) -> None:
        lines = EXAMPLE.replace("\npassword-file =", "\n#").replace("\n#password =", "\npassword = x")
        for name in ("share-password", "access-token"):  # an empty one is a mistake
            lines = lines.replace(f"\n#{name} =", "\n#")
        everything = re.sub(r"^#(?=[a-z-]+ *=)", "", lines, flags=re.MULTILINE)
        file = tmp_path / "config.ini"
        file.write_text(everything, "utf-8")
        assert replace(load_settings(["-c", str(file)], {}), device_file=None) == load_settings(
            ["-u", "picture-frame", "-p", "x", "-U", "nas.local"], {}
        )


def test_the_rule_for_the_units_memory_is_the_same_in_the_unit_and_the_readme() -> None:
    unit = (ROOT / "systemd" / "photos-sync.service").read_text("utf-8")
    factor, more = re.findall(r"^# ([\d.]+) times max-cache, and (\d+)M[:,]", unit, re.MULTILINE)[0]
    assert f"it is {factor} times that plus {more} MB" in README
    cache, limit = re.findall(r"for a `max-cache` of (\d+), `MemoryMax=(\d+)M`", README)[0]
    assert float(factor) * int(cache) + int(more) == int(limit)
