"""The last good catalog as a file, so that a restart knows the album without the NAS. Blocks: worker threads only."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from .albums import AlbumView, each_once
from .catalog import Catalog, Photos, PhotosById
from .models import RENDITIONS, UNKNOWN_ACCESS, Photo
from .state import keep

_FORMAT = 2
_NUMBERS_A_LINE = 1000


class Unreadable(Exception):
    """The file is not whole, not of this service, or of another version of it."""


class Saved(NamedTuple):
    """What a file holds: the albums that are still asked for, to be listed at the next look, and all together."""

    views: tuple[AlbumView, ...]
    catalog: Catalog


def save(path: Path, source: str, views: Sequence[AlbumView], catalog: Catalog) -> None:
    """Writes it whole, or leaves what was there. `source` tells one account or link from another. Raises OSError."""
    keep(path, _signed(_lines(source, views, catalog)))


def load(path: Path, source: str, names: Sequence[str]) -> Saved | None:
    """What was saved of these albums; None if nothing was, or of another source. Raises Unreadable or OSError."""
    try:
        with path.open(encoding="utf-8") as stream:
            return _read(_checked(stream), source, names)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, StopIteration):
        raise Unreadable from None


def _lines(source: str, views: Sequence[AlbumView], catalog: Catalog) -> Iterator[object]:
    """Line by line, since one long text would keep the interpreter's lock from the loop."""
    yield {"format": _FORMAT, "source": source, "albums": len(views)} | _head(catalog)
    for photo in catalog.photos:
        yield _row(photo)
    yield from _chunks(catalog.slots)
    for view in views:
        yield {"name": view.name} | _head(view.catalog)
        yield from _chunks([photo.id for photo in view.catalog.photos])
        yield from _chunks(view.catalog.slots)


def _head(catalog: Catalog) -> dict[str, Any]:
    counts = {"photos": len(catalog.photos), "slots": len(catalog.slots), "generation": catalog.generation}
    return counts | {"skipped": dict(catalog.skipped)}


def _row(photo: Photo) -> list[object]:
    """All but what gives access, which may be a secret, and of no use before the album is listed."""
    head = [photo.id, photo.unit_id, photo.version, photo.size, photo.filename, photo.taken_seconds]
    return [*head, photo.width, photo.height, photo.album, photo.place, photo.description, " ".join(photo.renditions)]


def _chunks(numbers: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), _NUMBERS_A_LINE):
        yield list(numbers[start : start + _NUMBERS_A_LINE])


def _signed(rows: Iterable[object]) -> Iterator[str]:
    digest = hashlib.sha256()
    for row in rows:
        line = json.dumps(row, separators=(",", ":")) + "\n"
        digest.update(line.encode())
        yield line
    yield json.dumps({"sha256": digest.hexdigest()}) + "\n"


def _checked(lines: Iterable[str]) -> Iterator[Any]:
    """The rows but the last, which has to fit to them: whoever reads them all knows that they are whole."""
    digest = hashlib.sha256()
    before = None
    for line in lines:
        if before is not None:
            digest.update(before.encode())
            yield json.loads(before)
        before = line
    if before is None or json.loads(before) != {"sha256": digest.hexdigest()}:
        raise Unreadable


def _read(rows: Iterator[Any], source: str, names: Sequence[str]) -> Saved | None:
    head = next(rows)
    if head["format"] != _FORMAT:
        raise Unreadable
    photos = PhotosById(Photos(_photo(next(rows)) for _ in range(head["photos"])))
    slots = _numbers(rows, head["slots"])
    found: dict[str, AlbumView] = {}
    for _ in range(head["albums"]):
        album = next(rows)
        own = Photos(photos[number] for number in _numbers(rows, album["photos"]))
        catalog = _catalog(own, album, _numbers(rows, album["slots"]))
        found[album["name"]] = AlbumView(album["name"], photos=own, skipped=catalog.skipped, catalog=catalog)
    for _ in rows:
        raise Unreadable  # more than was announced
    if head["source"] != source:
        return None
    views = tuple(found.get(name, AlbumView(name)) for name in names)
    catalog = _catalog(Photos(each_once(views)), head, slots)
    if len(views) == 1:
        views = (replace(views[0], photos=catalog.photos, catalog=catalog),)
    return Saved(views, catalog)


def _photo(row: Any) -> Photo:
    number, unit, version, size, filename, taken, width, height, album, place, description, ready = row
    numbers, texts = (number, unit, taken, width, height), (version, size, filename, album, ready)
    if not all(type(one) is int for one in numbers) or not all(type(one) is str for one in texts):
        raise Unreadable
    renditions = tuple(ready.split())
    if not set(renditions) <= set(RENDITIONS):
        raise Unreadable
    head = (number, unit, version, size, filename, taken, width, height, album)
    return Photo(*head, UNKNOWN_ACCESS, place, description, renditions)


def _numbers(rows: Iterator[Any], count: int) -> array[int]:
    numbers = array("q")
    while len(numbers) < count:
        numbers.extend(next(rows))
    return numbers


def _catalog(photos: Photos, head: Mapping[str, Any], slots: array[int]) -> Catalog:
    """With the photos in the slots that they had, so that decks go on."""
    return Catalog.build(photos, head["skipped"], Catalog(slots=slots, generation=head["generation"]))
