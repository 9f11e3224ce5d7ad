"""Sources: command line, environment and file, read once, before any thread starts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import configargparse

from .errors import ConfigError
from .options import COMMANDS, ENVIRONMENT_PREFIX, OPTIONS
from .parser import ConfigFile, as_list, build_parser, is_yes_or_no, names_a_file, nearest, spell_out


class Sources:
    """`raw` has each option's text, None where it was not given; `command` is "run" or a key of `COMMANDS`.

    `mistakes` and `warnings` are sentences; the methods that check a text add to them and go on with a value that does.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.mistakes: list[str] = []
        self.warnings: list[str] = []
        self.lines: dict[str, str] = {}
        self.environment = environment
        variables = {option.variable for option in OPTIONS}
        reading = type("Reading", (ConfigFile,), {"mistakes": self.mistakes, "lines": self.lines})
        parser = build_parser(reading, default_file=not any(map(names_a_file, arguments)))
        try:
            parsed, unknown = parser.parse_known_args(spell_out(arguments), env_vars=self._variables())
        except OSError as error:
            raise ConfigError([f"{error.filename} cannot be read ({error.strerror})."]) from None
        except ConfigError as error:
            raise ConfigError([*self.mistakes, *error.mistakes]) from None
        self.raw: dict[str, Any] = {option.name: getattr(parsed, option.dest) for option in OPTIONS}
        commands = [name for name in COMMANDS if getattr(parsed, name.replace("-", "_"))]
        self.command = commands[0] if commands else "run"
        if len(commands) > 1:
            self.mistakes.append(f"{' and '.join(commands)} (command line) contradict each other: keep one of them.")
        self.config_file: Path | None = None
        self.sources = self._sources(parser)
        self._tell_unknown(unknown)
        for name in sorted(environment):
            if name.startswith(ENVIRONMENT_PREFIX) and name not in variables:
                self.warnings.append(
                    f"The environment variable {name} is not an option and has no effect."
                    f"{nearest(name, sorted(variables))}"
                )

    def _variables(self) -> dict[str, str]:
        """The options among the environment variables; an empty one counts as not given."""
        known: dict[str, str] = {}
        for option in OPTIONS:
            value = self.environment.get(option.variable, "")
            if option.flag and value and not is_yes_or_no(value):
                self.mistakes.append(f"{option.name} (environment {option.variable}): '{value}' is not yes or no.")
            elif value:
                known[option.variable] = as_list(value) if option.repeatable else value
        return known

    def _tell_unknown(self, arguments: Sequence[str]) -> None:
        """A word without a flag may be a password, behind a flag that was spelled wrong: it is not shown."""
        flags = [f"--{name}" for name in (*(option.name for option in OPTIONS), *COMMANDS, "config", "version", "help")]
        names = [argument.partition("=")[0] for argument in arguments if argument.startswith("-")]
        for name in names:
            if name.startswith("--"):
                self.mistakes.append(f"{name} (command line) is not an option.{nearest(name, flags)}")
            else:
                self.mistakes.append(f"{name[:2]} (command line) is not an option.")
        if arguments and not names:
            self.mistakes.append(
                "Command line: there is a value without an option before it (not shown: it could be a password)."
            )

    def _sources(self, parser: configargparse.ArgumentParser) -> dict[str, str]:
        """Where each value came from, for messages: the flag, the variable, or the file and its line."""
        told: dict[str, str] = {}
        for source, settings in parser.get_source_to_settings_dict().items():
            for key in settings:
                if source == "environment_variables":
                    told[key.removeprefix(ENVIRONMENT_PREFIX).replace("_", "-").lower()] = f"environment {key}"
                elif source.startswith("config_file|"):
                    self.config_file = Path(source.partition("|")[2])
                    told[key] = self.lines.get(key, "file")
        return told

    def rank(self, name: str) -> int:
        """Which source beats which: 2 the command line, 1 the environment, 0 the file."""
        source = self.sources.get(name)
        return 2 if source is None else 1 if source.startswith("environment ") else 0

    def source(self, name: str) -> str:
        return f"{name} ({self.sources.get(name, 'command line')})"

    def given(self, name: str) -> bool:
        return self.raw[name] is not None or self.raw[f"{name}-file"] is not None

    def missing(self, name: str, what: str, example: str, otherwise: str = "") -> None:
        variable = ENVIRONMENT_PREFIX + name.replace("-", "_").upper()
        self.mistakes.append(
            f"{name} is missing: give {what} by {example}, {variable}, or '{name} = …' in the configuration file. "
            f"{otherwise}".rstrip()
        )

    def number(self, name: str, default: float, lowest: float, highest: float) -> float:
        text = self.raw[name]
        if text is None:
            return default
        try:
            value = float(text)
            if lowest <= value <= highest:
                return value
        except ValueError:
            pass
        self.mistakes.append(f"{self.source(name)}: '{text}' is not a number from {lowest:,g} to {highest:,.0f}.")
        return default

    def whole(self, name: str, default: int, lowest: int, highest: int) -> int:
        text = self.raw[name]
        if text is None:
            return default
        if re.fullmatch(r"[0-9]{1,9}", text) and lowest <= int(text) <= highest:
            return int(text)
        self.mistakes.append(f"{self.source(name)}: '{text}' is not a whole number from {lowest} to {highest}.")
        return default

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        text = self.raw[name]
        if text is None:
            return default
        value: str = text.lower()
        if value not in choices:
            self.mistakes.append(f"{self.source(name)}: '{text}' is not one of {', '.join(choices)}.")
        return value
