"""The house rules, read from the source: floors, threads, one door for configuration, one table of statuses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import photosync
from photosync import errors
from photosync.errors import ConfigError, PhotosSyncError
from photosync.handler import STATUSES, status_of

PACKAGE = Path(photosync.__file__).parent
TESTS = Path(__file__).parent
ROOMS = {path.stem: path for path in sorted(PACKAGE.glob("*.py"))}
FILES = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}

# Imports go down or stay on their floor.
FLOORS = [
    {"__main__"},
    {"service", "check", "enrol"},
    {"connect"},
    {"web", "metrics"},
    {"gate", "pages"},
    {"handler"},
    {"screens", "direct", "notices", "keeper", "sizes", "access"},
    {"degree"},
    {"sync"},
    {"saved"},
    {"store", "albums"},
    {"shelf"},
    {"nas", "session", "resize"},
    {"share_link"},
    {"account", "calls"},
    {"reply", "brake"},
    {"settings", "refused", "json_lines"},
    {"serving"},
    {"credentials"},
    {"sources"},
    {"parser"},
    {"device"},
    {"renewal", "tls"},
    {"guard"},
    {
        "forwarded",
        "wire",
        "trouble",
        "sockets",
        "certificates",
        "elsewhere",
        "listing",
        "breaker",
        "deck",
        "cache",
        "options",
        "log",
        "server",
        "dsm",
        "allocator",
        "listen",
        "health",
        "disk",
        "state",
        "watchdog",
    },
    {"address", "fit"},
    {"secret", "histogram"},
    {"catalog"},
    {"models", "errors", "__init__"},
]
LEVEL = {room: -floor for floor, rooms in enumerate(FLOORS) for room in rooms}

USERS_OF = {
    "tornado": {"access", "direct", "gate", "handler", "keeper", "renewal", "web", "server", "service", "sync"},
    "tornado.web": {"access", "handler", "web"},
    "requests": {"wire", "sockets", "trouble"},
    "urllib3": {"wire", "sockets", "trouble"},
    "cachetools": {"cache"},
    "configargparse": {"parser", "sources"},
    "prometheus_client": {"metrics"},
    "PIL": {"resize"},
    "pythonjsonlogger": {"json_lines"},
}
WORKER_ROOMS = {
    "account",
    "elsewhere",
    "albums",
    "brake",
    "disk",
    "listing",
    "nas",
    "saved",
    "refused",
    "reply",
    "resize",
    "session",
    "share_link",
    "sockets",
    "tls",
    "trouble",
    "wire",
}
LOOP_ROOMS = {
    "access",
    "breaker",
    "cache",
    "deck",
    "degree",
    "direct",
    "forwarded",
    "gate",
    "guard",
    "handler",
    "keeper",
    "metrics",
    "notices",
    "pages",
    "renewal",
    "screens",
    "server",
    "service",
    "shelf",
    "sizes",
    "store",
    "sync",
    "web",
}


BELOW_THE_WEB = {"errors", "models", "catalog", "dsm", "deck", "cache", "store", "sync", "albums", "screens"}


def tree(room: str) -> ast.Module:
    return TREES[f"{room}.py"]


def imported(module: ast.Module, level: int) -> Iterator[tuple[str, str]]:
    """(module, name) of each import, absolute (level 0) or relative."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import) and level == 0:
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == level:
            yield from ((node.module or alias.name, alias.name) for alias in node.names)


def rooms_used(room: str) -> set[str]:
    found = {module.partition(".")[0] for module, _ in imported(tree(room), 1)}
    assert not [module for module, _ in imported(tree(room), 0) if module.startswith("photosync")], room
    return {"__init__" if name == "__version__" else name for name in found} - {"fakenas"}


def third_parties(room: str) -> set[str]:
    return {module for module, _ in imported(tree(room), 0)}


def test_every_room_is_on_a_floor() -> None:
    assert set(LEVEL) == set(ROOMS)


class TestImportsGoDownOnly:
    @pytest.mark.parametrize("room", ROOMS)
    def test_a_room_uses_only_its_own_floor_and_those_below(self, room: str) -> None:
        assert {other for other in rooms_used(room) if LEVEL[other] > LEVEL[room]} == set()

    def test_there_are_no_circles(self) -> None:
        left = {room: rooms_used(room) for room in ROOMS}
        while left:
            free = {room for room, uses in left.items() if not uses & set(left)}
            assert free, f"a circle among {sorted(left)}"
            left = {room: uses for room, uses in left.items() if room not in free}

    def test_the_ground_floor_stands_on_the_standard_library(self) -> None:
        assert rooms_used("models") == rooms_used("errors") == rooms_used("__init__") == set()

    @pytest.mark.parametrize("package", USERS_OF)
    def test_each_library_has_its_rooms(self, package: str) -> None:
        users = {
            room
            for room in ROOMS
            if any(module == package or module.startswith(package + ".") for module in third_parties(room))
        }
        assert users == USERS_OF[package]

    def test_below_the_service_objects_are_given_values_not_the_settings(self) -> None:
        for room in set(ROOMS) - {"__main__", "service", "check", "enrol", "connect"}:
            taken = {name for module, name in imported(tree(room), 1) if module == "settings"}
            assert taken <= {"Secret"}, room

    def test_the_simulated_nas_shares_nothing_with_the_product(self) -> None:
        for name, module in TREES.items():
            if name.startswith("fakenas"):
                depth = name.count("/")
                for level in range(depth + 1, 5):
                    assert not list(imported(module, level)), name
                assert not [found for found, _ in imported(module, 0) if re.match(r"photosync(?!\.fakenas)", found)], (
                    name
                )

    def test_only_main_knows_the_simulated_nas(self) -> None:
        users = {room for room in ROOMS if any(found.startswith("fakenas") for found, _ in imported(tree(room), 1))}
        assert users == {"__main__"}


class TestThreads:
    @pytest.mark.parametrize(
        "name", [name for name in FILES if not re.search(r"(^|drawing/)__init__\.py$|drawing/", name)]
    )
    def test_a_module_says_first_on_which_thread_it_runs(self, name: str) -> None:
        first = (ast.get_docstring(TREES[name]) or "").split("\n\n")[0]
        assert re.search(r"\b(threads?|pure)\b", first), first

    def test_the_worker_rooms_say_so_and_the_loop_rooms_too(self) -> None:
        for rooms, words in ((WORKER_ROOMS, r"worker threads?\b"), (LOOP_ROOMS, r"[Ll]oop thread\b")):
            for room in rooms:
                assert re.search(words, ast.get_docstring(tree(room)) or ""), room

    @pytest.mark.parametrize("room", sorted(LOOP_ROOMS))
    def test_the_loop_never_sleeps_or_waits_for_another_program(self, room: str) -> None:
        called = {ast.unparse(node.func) for node in ast.walk(tree(room)) if isinstance(node, ast.Call)}
        assert not called & {"time.sleep", "sleep", "input", "os.system", "os.popen", "socket.getaddrinfo"}
        assert not third_parties(room) & {"subprocess", "requests", "urllib3", "urllib.request", "http.client"}

    @pytest.mark.parametrize("room", sorted(LOOP_ROOMS))
    def test_what_blocks_is_handed_to_workers_and_never_called_on_the_loop(self, room: str) -> None:
        functions = {
            name for module, name in imported(tree(room), 1) if module in WORKER_ROOMS and name and name[0].islower()
        }
        called = {ast.unparse(node.func) for node in ast.walk(tree(room)) if isinstance(node, ast.Call)}
        assert not functions & called

    @pytest.mark.parametrize("room", sorted(LOOP_ROOMS - {"service"}))
    def test_only_the_service_knows_the_nas_client(self, room: str) -> None:
        assert not rooms_used(room) & (WORKER_ROOMS - {"albums", "disk", "saved", "tls", "resize"})

    @pytest.mark.parametrize("room", sorted(WORKER_ROOMS))
    def test_no_worker_touches_the_loop(self, room: str) -> None:
        assert not {name for name in third_parties(room) if name.split(".")[0] in ("asyncio", "tornado")}


class TestConfigurationEntersThroughOneDoor:
    def test_the_environment_is_read_in_one_place(self) -> None:
        readers = {
            room
            for room in ROOMS
            for node in ast.walk(tree(room))
            if (isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.environb"))
            or (isinstance(node, ast.ImportFrom) and node.module == "os")
        }
        assert readers <= {"__main__", "settings", "service"}

    def test_the_command_line_is_read_in_main(self) -> None:
        readers = {
            room
            for room in ROOMS
            for node in ast.walk(tree(room))
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.argv"
        }
        assert readers == {"__main__"}

    @pytest.mark.parametrize("room", ROOMS)
    def test_there_are_no_globals_that_can_change(self, room: str) -> None:
        """A table at the top of a module is announced as one that is only read, and then mypy holds it."""
        problems = [ast.unparse(node) for node in ast.walk(tree(room)) if isinstance(node, ast.Global)]
        for node in tree(room).body:
            if isinstance(node, ast.Assign) and _can_change(node.value):
                problems.append(ast.unparse(node.targets[0]))
            elif isinstance(node, ast.AnnAssign) and node.value is not None and _can_change(node.value):
                kind = ast.unparse(node.annotation).removeprefix("Final[").partition("[")[0]
                problems += [] if kind in ("Mapping", "Sequence", "Collection", "Set") else [ast.unparse(node.target)]
        assert problems == []


def _can_change(value: ast.expr) -> bool:
    if isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp):
        return True
    makers = {"dict", "list", "set", "bytearray", "deque", "Counter", "OrderedDict", "defaultdict", "array"}
    return isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] in makers | {"Lock", "RLock", "Event"}


def leaves(kind: type[PhotosSyncError]) -> Iterator[type[PhotosSyncError]]:
    below = kind.__subclasses__()
    if not below:
        yield kind
    for other in below:
        yield from leaves(other)


class TestOneTableOfStatuses:
    @pytest.mark.parametrize("kind", sorted(leaves(PhotosSyncError), key=lambda kind: kind.__name__))
    def test_every_leaf_of_the_error_tree_has_a_status(self, kind: type[PhotosSyncError]) -> None:
        if kind is ConfigError:
            assert kind not in STATUSES  # there is no server yet when it is raised
        else:
            assert any(issubclass(kind, known) for known in STATUSES)

    def test_no_row_is_hidden_by_one_before_it(self) -> None:
        rows = list(STATUSES)
        for place, kind in enumerate(rows):
            assert not [earlier for earlier in rows[:place] if issubclass(kind, earlier)], kind

    def test_the_statuses_are_those_of_the_contract(self) -> None:
        instances = {
            errors.WrongHost: errors.WrongHost("x"),
            errors.TokenWanted: errors.TokenWanted("x"),
            errors.TooManyGuesses: errors.TooManyGuesses("x"),
            errors.PhotoNotFound: errors.PhotoNotFound("x"),
            errors.NoSuchAlbum: errors.NoSuchAlbum("x"),
            errors.NothingSynced: errors.NothingSynced("x"),
            errors.AlbumProblem: errors.AlbumProblem("album_not_found", "x"),
            errors.Busy: errors.Busy("x"),
            errors.BadParameter: errors.BadParameter("x"),
            errors.NotInstalled: errors.NotInstalled("x"),
            errors.NasUnreachable: errors.NasUnreachable("dns", "x"),
            errors.NasTimeout: errors.NasTimeout("timeout", "x"),
            errors.NasBadAnswer: errors.NasBadAnswer("bad_json", "x"),
            errors.NasCallRefused: errors.NasCallRefused(104, "x"),
            errors.LoginRefused: errors.LoginRefused("login_400", "x"),
        }
        assert {kind.__name__: status_of(error) for kind, error in instances.items()} == {
            "WrongHost": 421,
            "TokenWanted": 401,
            "TooManyGuesses": 429,
            "PhotoNotFound": 404,
            "NoSuchAlbum": 404,
            "NothingSynced": 503,
            "AlbumProblem": 503,
            "Busy": 503,
            "BadParameter": 400,
            "NotInstalled": 501,
            "NasUnreachable": 503,
            "NasTimeout": 504,
            "NasBadAnswer": 502,
            "NasCallRefused": 502,
            "LoginRefused": 502,
        }

    @pytest.mark.parametrize(
        "room", ["errors", "models", "catalog", "dsm", "deck", "cache", "store", "sync", "albums", "screens"]
    )
    def test_http_statuses_are_no_concern_below_the_web(self, room: str) -> None:
        assert "http" not in third_parties(room)
        statuses = {400, 401, 403, 404, 405, 429, 500, 502, 503, 504} if room != "dsm" else {502, 503, 504}
        numbers = {
            node.value for node in ast.walk(tree(room)) if isinstance(node, ast.Constant) and type(node.value) is int
        }
        assert not numbers & statuses


class TestSizes:
    @pytest.mark.parametrize("name", [name for name in FILES if "drawing" not in name])
    def test_no_file_has_more_than_400_lines(self, name: str) -> None:
        assert len(FILES[name].read_text("utf-8").splitlines()) <= 400

    @pytest.mark.parametrize("name", FILES)
    def test_no_function_has_more_than_50_lines(self, name: str) -> None:
        functions = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        assert [node.name for node in functions if (node.end_lineno or 0) - node.lineno + 1 > 50] == []

    def test_there_is_no_room_for_odds_and_ends(self) -> None:
        assert not {"utils", "util", "helpers", "common", "constants", "misc"} & {Path(name).stem for name in FILES}


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "__init__"])
def test_each_room_has_a_test_file(room: str) -> None:
    assert (TESTS / f"test_{room.strip('_')}.py").is_file()
