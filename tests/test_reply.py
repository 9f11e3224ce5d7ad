"""Reply: what is DSM's JSON and what is not."""

from __future__ import annotations

import json

import pytest

from photosync.errors import NasBadAnswer
from photosync.reply import read_reply
from photosync.wire import Answer


def answer(body: bytes) -> Answer:
    return Answer("text/plain", body, announced=True)


def test_a_success_has_an_envelope_and_no_error_code() -> None:
    reply = read_reply(answer(b' {"success": true, "data": {"list": []}}'))
    assert reply.error_code is None
    assert reply.envelope is not None
    assert reply.envelope["data"] == {"list": []}


@pytest.mark.parametrize(
    ("error", "code"), [({"code": 119}, 119), ({"code": "119"}, 100), ({"code": True}, 100), (None, 100), ([], 100)]
)
def test_a_failure_has_its_code_or_the_one_for_unknown_errors(error: object, code: int) -> None:
    assert read_reply(answer(json.dumps({"success": False, "error": error}).encode())).error_code == code


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xd8\xff", b"[1]", b'"text"'])
def test_what_does_not_begin_as_an_object_is_no_envelope(body: bytes) -> None:
    reply = read_reply(answer(body))
    assert (reply.envelope, reply.error_code) == (None, None)


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("body", [b"{", b'{"success": 1}', b'{"data": {}}', b'{"a":' * 100_000, b"{\xff}"])
def test_a_broken_envelope_is_an_error(body: bytes) -> None:
    with pytest.raises(NasBadAnswer) as caught:
        read_reply(answer(body))
    assert caught.value.kind == "bad_json"
