"""The table of the catalogue is whole, and every test that it names is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rows import ALL, ELSEWHERE, ROWS

TESTS = Path(__file__).parent.parent


def names_in(path: Path) -> Iterator[str]:
    """The names of its tests; of a class made by Hypothesis that of the class."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr == "TestCase":
            yield ast.unparse(node.targets[0])
        for inner, prefix in [(node, ""), *((part, f"{node.name}::") for part in members(node))]:  # type: ignore[attr-defined]
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and inner.name.startswith("test_"):
                yield prefix + inner.name


def members(node: ast.stmt) -> list[ast.stmt]:
    return node.body if isinstance(node, ast.ClassDef) else []


def all_tests(folder: Path) -> set[str]:
    paths = sorted(folder.rglob("test_*.py"))
    return {f"{path.relative_to(TESTS)}::{name}" for path in paths for name in names_in(path)}


def test_the_catalogue_has_98_rows_from_a_to_h() -> None:
    assert len(ALL) == len(set(ALL)) == 98


def test_every_row_has_tests_or_a_reason_and_there_are_no_others() -> None:
    assert set(ROWS) | set(ELSEWHERE) == set(ALL)
    assert not set(ELSEWHERE) & set(ROWS)
    assert all(ROWS.values())
    assert all(ELSEWHERE.values())


def test_every_test_of_the_table_exists() -> None:
    named = {name for names in ROWS.values() for name in names}
    assert named - all_tests(TESTS) == set()


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_each_test_once(row: str) -> None:
    assert len(set(ROWS[row])) == len(ROWS[row])


def test_every_test_of_a_row_is_in_the_table() -> None:
    for name in all_tests(Path(__file__).parent):
        if found := re.search(r"::test_([a-h]\d+)_", name):
            assert name in ROWS[found[1].upper()], name
