"""Credentials: secrets given as a text, in a file or by systemd; before any thread starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .secret import Secret, others_can_read, secret_in
from .sources import Sources


class Credentials(Sources):
    """The sources, with the rules for what must not be seen."""

    def password(self, name: str, what: str = "password") -> dict[str, Any]:
        """The password's part of the settings, from the option `name` or its file."""
        text, file = self.raw[name], self.raw[f"{name}-file"]
        if text is not None and file is not None:
            rank, file_rank = self.rank(name), self.rank(f"{name}-file")
            if rank != file_rank:  # the command line beats the environment, which beats the file
                text, file = (text, None) if rank > file_rank else (None, file)
        found: dict[str, Any] = {"password": None, "password_file": None}
        if text is not None and file is not None:
            self.mistakes.append(
                f"{self.source(name)} and {self.source(f'{name}-file')} are both given: keep one of them."
            )
            return found
        if text is not None:
            return found | {"password": self.plain_password(name, what, text)}
        if file is None and (credential := self.credential(name)) is not None:
            file, self.sources[f"{name}-file"] = credential, "CREDENTIALS_DIRECTORY"
        if file is None:
            return found
        path = self.checked_password_file(f"{name}-file", what, Path(file))
        return found | {"password_file": path, "password_file_guarded": self.is_guarded(path)}

    def credential(self, name: str) -> Path | None:
        """What systemd provides. An empty file is the unit's way to say that there is none."""
        folder = self.environment.get("CREDENTIALS_DIRECTORY")
        path = Path(folder, name) if folder else None
        try:
            return path if path is not None and path.read_bytes().strip() else None
        except FileNotFoundError:
            return None
        except OSError:  # which is told when it is used
            return path

    def plain_password(self, name: str, what: str, text: str) -> Secret:
        if not text:
            self.mistakes.append(f"{self.source(name)} is empty.")
        self.warn_if_seen(name, f"The {what}", f"Put it into a file and use --{name}-file.")
        return Secret(text)

    def warn_if_seen(self, name: str, what: str, instead: str) -> None:
        source = self.sources.get(name, "command line")
        if source == "command line":
            self.warnings.append(
                f"{what} is on the command line, where every user of this machine can read it (ps). {instead}"
            )
        elif source in self.lines.values() and others_can_read(Path(source.rpartition(":")[0])):
            path = source.rpartition(":")[0]
            self.warnings.append(
                f"{path} holds the {what.partition(' ')[2]} and every user can read it. Run: chmod 600 {path}"
            )

    def checked_password_file(self, name: str, what: str, path: Path) -> Path:
        try:
            secret_in(path, f"the {what}", guarded=self.is_guarded(path))
        except ValueError as error:
            self.mistakes.append(f"{self.source(name)}: {error}")
        return path

    def is_guarded(self, path: Path) -> bool:
        """Whether it lies where systemd puts credentials or Docker puts secrets."""
        credentials = self.environment.get("CREDENTIALS_DIRECTORY")
        folders = [Path("/run/secrets"), *([Path(credentials)] if credentials else [])]
        return any(folder in path.parents for folder in folders)
