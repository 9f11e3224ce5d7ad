"""The two syntaxes that fill the option table: command line and configuration file; before any thread starts."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial
from typing import IO, NoReturn

import configargparse

from . import __version__
from .errors import ConfigError
from .options import COMMANDS, ENVIRONMENT_PREFIX, OPTIONS, Option

DEFAULT_CONFIG = "/etc/photos-sync/config.ini"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9\-]*")
_YES_OR_NO = ("yes", "on", "true", "1", "no", "off", "false", "0")


def build_parser(config_file: type[ConfigFile], *, default_file: bool) -> configargparse.ArgumentParser:
    """The command-line parser, from the option table; values stay text, so that all mistakes can be told at once.

    `default_file` says whether DEFAULT_CONFIG is to be read if it is there.
    """
    parser = _Parser(
        prog="photos-sync",
        description="The picture URL for a Synology Photos album: GET /files answers with the next photo.",
        epilog=f"Every option can also be set in the environment ({ENVIRONMENT_PREFIX}MAX_CACHE=250) or in the "
        "configuration file (max-cache = 250). The command line beats the environment, which beats the file.",
        auto_env_var_prefix=ENVIRONMENT_PREFIX,
        default_config_files=[DEFAULT_CONFIG] if default_file else [],
        config_file_parser_class=config_file,
        config_file_open_func=partial(open, encoding="utf-8-sig"),
        allow_abbrev=False,
        add_config_file_help=False,
        add_env_var_help=False,
    )
    parser.add_argument("--version", action="version", version=f"photos-sync {__version__}")
    parser.add_argument(
        "-c",
        "--config",
        is_config_file=True,
        metavar="FILE",
        help=f"configuration file (default: {DEFAULT_CONFIG}, if it is there)",
    )
    for name, text in COMMANDS.items():
        parser.add_argument(f"--{name}", action="store_true", help=text)
    for option in OPTIONS:
        names = [f"-{option.short}"] * bool(option.short) + [f"--{option.name}"]
        shown = f"{option.help} (default: {option.default})" if option.default else option.help
        if option.flag:
            parser.add_argument(*names, action="store_true", default=None, help=shown)
        else:
            action = "append" if option.repeatable else "store"
            parser.add_argument(*names, action=action, metavar=option.metavar, help=shown)
    return parser


_UNREADABLE = re.compile(r"Unable to open config file: (.*?)\. Error: \[Errno [0-9]+\] ([^:]*)")


class _Parser(configargparse.ArgumentParser):  # type: ignore[misc]  # the library carries no types
    def error(self, message: str) -> NoReturn:
        unreadable = _UNREADABLE.match(message)
        if unreadable:
            raise ConfigError([f"--config: '{unreadable[1]}' cannot be read ({unreadable[2]})."])
        raise ConfigError([f"Command line: {message}."])


class ConfigFile(configargparse.ConfigFileParser):  # type: ignore[misc]  # the library carries no types
    """`key = value` lines; `#` or `;` starts a comment line, `[section]` lines are allowed and mean nothing.

    Everything after the `=` belongs to the value, so a password may hold any character.
    A key that is given again adds to a repeatable option and is a mistake for any other.
    The parser wants a class, so a reading makes a subclass that carries the two lists to fill:
    what is wrong, and the file and line of each key.
    """

    mistakes: list[str]
    lines: dict[str, str]

    def get_syntax_description(self) -> str:
        return "key = value"

    def parse(self, stream: IO[str]) -> dict[str, str | list[str]]:
        options = {option.name: option for option in OPTIONS}
        items: dict[str, str | list[str]] = {}
        for number, line in enumerate(self._lines(stream), start=1):
            text = line.strip()
            if not text or text[0] in "#;" or (text[0] == "[" and text[-1] == "]"):
                continue
            key, equals, value = (part.strip() for part in text.partition("="))
            key, where = key.replace("_", "-"), f"{stream.name}:{number}"
            option = options.get(key)
            if not equals or not _NAME.fullmatch(key):  # which may be a password: it is not shown
                self.mistakes.append(f"{where}: this line is not 'key = value', a comment or a [section].")
            elif option is None:
                self.mistakes.append(f"{key} ({where}) is not an option.{nearest(key, list(options))}")
            elif key in items and not option.repeatable:
                self.mistakes.append(f"{key} ({where}) was already given at {self.lines[key]}.")
            else:
                self.lines.setdefault(key, where)
                items[key] = self._value(option, where, value, items.get(key, []))
        return {key: value for key, value in items.items() if value not in ("", [""]) or options[key].password}

    def _lines(self, stream: IO[str]) -> list[str]:
        try:
            return list(stream)
        except UnicodeDecodeError:
            self.mistakes.append(f"{stream.name} is not a UTF-8 text file.")
            return []

    def _value(self, option: Option, where: str, value: str, before: str | list[str]) -> str | list[str]:
        if len(value) > 1 and value[0] in "\"'" and not option.password:
            self.mistakes.append(f"{option.name} ({where}): leave the quotation marks away, they would belong to it.")
        if option.repeatable:
            return [*before, value]
        if not option.flag:
            return value
        if not is_yes_or_no(value) and value:
            self.mistakes.append(f"{option.name} ({where}): '{value}' is not yes or no.")
            return ""
        return value


def spell_out(arguments: Sequence[str]) -> list[str]:
    """`-m250` as `--max-cache=250`: the other sources only give way to flags that stand by themselves."""
    shorts = {f"-{option.short}": option.name for option in OPTIONS if option.short}
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    return [
        f"--{shorts[argument[:2]]}={argument[2:].removeprefix('=')}"
        if len(argument) > 2 and argument[:2] in shorts
        else argument
        for argument in arguments[:end]
    ] + list(arguments[end:])


def is_yes_or_no(value: str) -> bool:
    return value.lower() in _YES_OR_NO


def nearest(wrong: str, right: Sequence[str]) -> str:
    matches = get_close_matches(wrong, right, n=1)
    return f" Did you mean {matches[0]}?" if matches else ""


def names_a_file(argument: str) -> bool:
    return argument.startswith(("-c", "--config=")) or argument == "--config"


def as_list(value: str) -> str:
    """A variable holds one value as it is, or several as a JSON list of texts; here as a JSON list in any case."""
    try:
        values = json.loads(value)
    except ValueError:
        values = None
    is_list = isinstance(values, list) and all(isinstance(one, str) for one in values)
    return value if is_list else json.dumps([value])
