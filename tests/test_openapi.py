"""docs/openapi.yaml tells what there is: every address, every status, every name. `make openapi` asks the service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from conftest import Running, settings_for
from outside import ROOT

import photosync
from photosync import fakenas
from photosync.degree import Degree
from photosync.fakenas import FakeNas
from photosync.handler import STATUSES

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text("utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS: dict[str, Any] = {path: item["get"] for path, item in DOCUMENT["paths"].items()}
FILLED_IN = {"{id}": "1001", "{filename}": "birch-trees.jpg"}


def address(path: str) -> str:
    return re.sub(r"\{\w+\}", lambda name: FILLED_IN[name[0]], path)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from [value] if key == "$ref" else references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        reference, node = node["$ref"], DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            node = node[name]
    return node


def test_it_tells_of_every_address_and_of_no_other(running: Running) -> None:
    application = running.service.server.request_callback
    patterns = [rule.matcher.regex for rule in application.wildcard_router.rules]
    assert len(patterns) > 5
    assert [pattern for pattern in patterns if not any(pattern.match(address(path)) for path in OPERATIONS)] == []
    assert [path for path in OPERATIONS if not any(pattern.match(address(path)) for pattern in patterns)] == []


@pytest.mark.parametrize("path", [path for path in OPERATIONS if path.startswith("/files")])
def test_it_tells_every_status_that_an_error_can_have(path: str) -> None:
    sized = {501} if path != "/files/list" else set()
    assert {*STATUSES.values(), 400} - {501} | sized <= {int(status) for status in OPERATIONS[path]["responses"]}


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert all(resolved({"$ref": reference}) for reference in found)
    used = {tuple(reference.split("/")[2:]) for reference in found}
    assert used == {(kind, name) for kind, names in DOCUMENT["components"].items() for name in names}


def test_its_version_is_that_of_the_program() -> None:
    assert DOCUMENT["info"]["version"] == photosync.__version__


def test_it_knows_the_degrees() -> None:
    assert SCHEMAS["Status"]["enum"] == list(Degree)


def test_it_knows_the_names_of_the_stats(running: Running) -> None:
    assert list(SCHEMAS["Stats"]["properties"]) == SCHEMAS["Stats"]["required"]
    assert set(running.stats()) == set(SCHEMAS["Stats"]["required"])


def test_it_knows_the_names_of_a_photo(running: Running) -> None:
    photos = running.get("/files/list?details=1").json()
    assert {name for photo in photos for name in photo} == set(SCHEMAS["Photo"]["properties"])
    assert all(set(SCHEMAS["Photo"]["required"]) <= set(photo) for photo in photos)


def assert_told(response: Any, path: str) -> None:
    told = resolved(OPERATIONS[path]["responses"][str(response.status_code)])
    if response.content:
        assert response.headers["Content-Type"].split(";")[0] in told["content"]
    for name, header in told.get("headers", {}).items():
        assert name in response.headers or not resolved(header).get("required"), name


@pytest.mark.parametrize("path", OPERATIONS)
def test_what_is_answered_is_what_it_tells(running: Running, path: str) -> None:
    photo = running.get("/files?format=json").json()
    there = path.format(id=photo["id"], filename=photo["filename"])
    answer = running.get(there)
    assert answer.status_code == 200
    assert_told(answer, path)
    if "304" in OPERATIONS[path]["responses"]:
        assert_told(running.get(there, headers={"If-None-Match": answer.headers["ETag"]}), path)
    if "404" in OPERATIONS[path]["responses"]:
        missing = running.get(path.format(id=987654321, filename="nothing") + "?album=missing")
        assert missing.status_code == 404
        assert_told(missing, path)
    if "400" in OPERATIONS[path]["responses"]:
        bad = running.get(path.format(id=1, filename="%ff") + "?album=%ff&client=%ff")
        assert bad.status_code in (400, 404)
        assert_told(bad, path)


@pytest.mark.parametrize("fault", [fakenas.status(503), fakenas.html()], ids=["503", "502"])
@pytest.mark.parametrize("path", OPERATIONS)
def test_so_it_is_when_the_nas_fails(nas: FakeNas, path: str, fault: fakenas.Fault) -> None:
    nas.fault(fault)
    with Running(settings_for(nas)) as running:
        running.wait_for("/readyz", lambda response: response.json()["status"] == "nas_down")
        assert_told(running.get(address(path), headers={"Accept": "*/*"}), path)
        assert_told(running.get(address(path), headers={"Accept": "image/*"}), path)
