"""The HTTP answers, over a real socket."""

from __future__ import annotations

from conftest import Running


def test_files_gives_a_whole_jpeg_that_no_cache_keeps(running: Running) -> None:
    response = running.get("/files")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.content[:3] == b"\xff\xd8\xff"
    assert response.content[-2:] == b"\xff\xd9"
    photo = running.get(response.headers["Content-Location"])
    assert photo.content == response.content
