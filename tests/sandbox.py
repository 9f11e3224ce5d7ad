"""Runs a command under what the unit's sandbox allows: python sandbox.py UNIT COMMAND...

Its filter of system calls, address families and namespaces, no memory that is both written and run, no privileges,
descriptors and tasks. systemd makes the filter in the same way, by libseccomp.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import resource
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_MASKED_EQ = 7
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_WRITE_AND_RUN, _RUN = 0x2 | 0x4, 0x4
_NAMESPACES = 0x7E020000  # CLONE_NEW*
_SHM_EXEC = 0o100000
_FAMILIES: Mapping[str, int] = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}


def settings_of(unit: Path) -> dict[str, list[str]]:
    """Each key's values, in order."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^([A-Z]\w+)=(.*)$", unit.read_text("utf-8"), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def allowed_calls(unit: Path) -> set[str]:
    """The system calls that the unit's SystemCallFilter= lines leave."""
    sets = _sets()
    allowed: set[str] = set()
    for line in settings_of(unit)["SystemCallFilter"]:
        names = _expanded(line.removeprefix("~").split(), sets)
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


def _sets() -> dict[str, list[str]]:
    text = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    sets: dict[str, list[str]] = {}
    name = ""
    for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = []
        elif line.startswith("    ") and name and not line.strip().startswith("#"):
            sets[name].append(line.strip())
    return sets


def _expanded(names: Collection[str], sets: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    for name in names:
        found |= _expanded(sets[name], sets) if name.startswith("@") else {name}
    return found


class _Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class _Filter:
    def __init__(self) -> None:
        self._library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(_ERRNO | errno.EPERM))

    def rule(self, action: int, name: str, *comparison: int) -> None:
        """For all calls, or those whose argument number, masked, has the value."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return
        arguments = (_Comparison * 1)()
        if comparison:
            place, mask, value = comparison
            arguments[0] = _Comparison(place, _MASKED_EQ, mask, value)
        add = self._library.seccomp_rule_add_array
        if add(self._context, ctypes.c_uint32(action), number, len(comparison) // 3, arguments) != 0:
            raise OSError(f"no rule for {name}")

    def load(self) -> None:
        if self._library.seccomp_load(self._context) != 0:
            raise OSError("the filter cannot be loaded")


def confine(unit: Path) -> None:
    """Confines this process and what it becomes."""
    settings = settings_of(unit)
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(settings["LimitNOFILE"][0]),) * 2)
    libc = ctypes.CDLL(None)
    for capability in range(64):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.umask(int(settings["UMask"][0], 8))
    found = _Filter()
    special = {"socket", "mmap", "mprotect", "pkey_mprotect", "shmat", "clone", "clone3", "unshare", "setns"}
    for name in allowed_calls(unit) - special:
        found.rule(_ALLOW, name)
    for family in settings["RestrictAddressFamilies"][0].split():
        found.rule(_ALLOW, "socket", 0, 0xFFFFFFFF, _FAMILIES[family])
    for protection in (0, 0x2, 0x4):
        found.rule(_ALLOW, "mmap", 2, _WRITE_AND_RUN, protection)
    found.rule(_ALLOW, "mprotect", 2, _RUN, 0)
    found.rule(_ALLOW, "pkey_mprotect", 2, _RUN, 0)
    found.rule(_ALLOW, "shmat", 2, _SHM_EXEC, 0)
    found.rule(_ALLOW, "clone", 0, _NAMESPACES, 0)
    found.rule(_ERRNO | errno.ENOSYS, "clone3")
    found.load()


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the command that was given
