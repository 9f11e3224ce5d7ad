"""The rival for the start: the shortest script that logs in, finds the album, lists it and fetches one photo."""

import sys

import requests

base, account, password, album_name, *more = sys.argv[1:]
session = requests.Session()
entry = f"{base}/webapi/entry.cgi"


def call(api: str, method: str, version: int, **fields: str) -> requests.Response:
    return session.get(entry, params={"api": api, "method": method, "version": version, **fields}, timeout=30)


if more == ["with-care"]:  # no password for what is no DSM
    assert call("SYNO.API.Info", "query", 1, query="SYNO.API.Auth").json()["success"]
call("SYNO.API.Auth", "login", 6, account=account, passwd=password, format="cookie")
albums = call("SYNO.Foto.Browse.Album", "list", 1, offset="0", limit="100").json()["data"]["list"]
album = next(album["id"] for album in albums if album["name"] == album_name)
fields = {"album_id": str(album), "offset": "0", "limit": "1000", "additional": '["thumbnail"]'}
item = call("SYNO.Foto.Browse.Item", "list", 1, **fields).json()["data"]["list"][0]
thumbnail = item["additional"]["thumbnail"]
wanted = {"id": str(thumbnail["unit_id"]), "cache_key": thumbnail["cache_key"], "type": "unit", "size": "xl"}
sys.stdout.buffer.write(call("SYNO.Foto.Thumbnail", "get", 1, **wanted).content)
