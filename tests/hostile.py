"""Requests that no honest client sends: none may get anything but a 4xx, or the end of its connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

# Addresses that lead elsewhere
PATHS = [
    b"/files/../../etc/passwd",
    b"/files/..%2f..%2fetc%2fpasswd",
    b"/files/%2e%2e/%2e%2e/etc/passwd",
    b"/files/..%5c..%5cwindows%5cwin.ini",
    b"/files/....//....//etc/passwd",
    b"/files/%252e%252e%252fetc%252fpasswd",
    b"/files//etc/passwd",
    b"/files/%2fetc%2fpasswd",
    b"/files/file:%2f%2f%2fetc%2fpasswd",
    b"/files/http:%2f%2f127.0.0.1:5000%2fwebapi%2fentry.cgi",
    b"/files/%00",
    b"/files/20001.jpg%00",
    b"/files/20001%00.jpg",
    b"/files/-20001.jpg",
    b"/files/+20001.jpg",
    b"/files/%2020001.jpg",
    b"/files/20001.jpg%20",
    b"/files/20001.0.jpg",
    b"/files/0x4e21.jpg",
    b"/files/2e4.jpg",
    b"/files/20_001.jpg",
    b"/files/%D9%A2%D9%A0%D9%A0%D9%A0%D9%A1.jpg",
    b"/files/20001.jpg.jpg",
    b"/files/20001.jpg;x=1",
    b"/files/20001.jpg%3fsize=original",
    b"/files/20001.jpg%26api=SYNO.API.Auth",
    b"/files/*.jpg",
    b"/files/.jpg",
    b"/files/" + b"9" * 5000 + b".jpg",
    b"/files/" + b"a" * 12000,
    b"/files/" + b"%41" * 4000,
    b"/files/%0d%0aX-Injected:%20yes",
    b"/files/..",
    b"/files/.",
    b"/files/%2e",
    b"/files/%2e%2e%2f%2e%2e%2f%2e%2e%2fproc%2fself%2fenviron",
    b"/files/..;/..;/etc/passwd",
    b"/files/..%c0%af..%c0%afetc/passwd",
    b"/files/%c0%ae%c0%ae/etc/passwd",
    b"/files/%uff0e%uff0e%u2215etc",
    b"/files/..%00/etc/passwd",
    b"/files/..%0d/..%0d/etc/passwd",
    b"/files/C:%5cboot.ini",
    b"/files/%5c%5c127.0.0.1%5cshare",
    b"/files/~root",
    b"/files/$HOME",
    b"/files/`id`.jpg",
    b"/files/%60id%60.jpg",
    b"/files/;cat%20/etc/passwd",
    b"/files/|id",
    b"/files/%7cid",
    b"/files/${jndi:ldap:%2f%2f127.0.0.1%2fa}",
    b"/files/%7b%7b7*7%7d%7d",
    b"/files/%3cscript%3ealert(1)%3c%2fscript%3e",
    b"/files/'%20OR%20'1'='1",
    b"/files/1001.jpg'--",
    b"/files/%",
    b"/files/%2",
    b"/files/%zz",
    b"/files/%%32%65",
    b"/files/\xff\xfe",
    b"/files/list/",
    b"/files/list/..",
    b"/files/list%2f",
    b"/files/list%00",
    b"/files/",
    b"/files//",
    b"//files",
    b"///etc/passwd",
    b"//evil.example/files",
    b"/%2e%2e/files",
    b"/.git/config",
    b"/.env",
    b"/.ssh/id_rsa",
    b"/config.ini",
    b"/password",
    b"/etc/photos-sync/password",
    b"/var/lib/photos-sync/device-id",
    b"/proc/self/environ",
    b"/webapi/entry.cgi?api=SYNO.API.Auth&method=login",
    b"/cgi-bin/.%2e/.%2e/bin/sh",
    b"/index.php?s=/Index/%5cthink%5capp/invokefunction",
    b"/wp-login.php",
    b"/actuator/env",
    b"/server-status",
    b"/debug/pprof/heap",
    b"/healthz/",
    b"/healthz%2f",
    b"/healthz;",
    b"/HEALTHZ",
    b"/metrics/..",
    b"/metrics%20",
    b"/cache/stats/",
    b"/cache/../cache/stats",
    b"/cache%2fstats",
    b"/static/../photosync/service.py",
    b"/static/%2e%2e/service.py",
    b"/static/..%2f..%2fsetup.cfg",
    b"/index.html",
    b"/" + b"../" * 4000,
    b"/" + b"%2e%2e%2f" * 1500,
    b"/" + b"a/" * 7000,
]

# Parts of an address that are no text, or name nothing
TEXTS = [
    b"/files/%ff%fe.jpg",
    b"/files/%ed%a0%80.jpg",
    b"/files/%F4%90%80%80.jpg",
    b"/files?client=%ff",
    b"/files?client=%c0%af",
    b"/files?client=%ed%a0%80",
    b"/files?client=ok&client=%80",
    b"/files?album=%ff",
    b"/files?album=%F4%90%80%80",
    b"/files?format=%fe%ff",
    b"/files/list?album=%ff",
    b"/files/list?details=%ff",
    b"/files?album=..%2f..%2fetc",
    b"/files?album=id:99999999999999999999",
    b"/files?album=%00",
    b"/files?album=" + b"x" * 12000,
    b"/files/list?album=%0d%0aX-Injected:%20yes",
]

METHODS = [
    *(b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PROPFIND", b"DEBUG", b"PURGE"),
    *(b"get", b"GeT", b"GETT", b"G", b"-", b"0", b"A" * 10_000),
]
NO_METHODS = [
    *(b"GET\x00", b"G\x01ET", b"GET\x7f", b"G(E)T", b"G,T", b"\xc3\xa9", b"GET:", b'"GET"', b"{GET}", b"GET/", b"G\\T"),
]

TARGETS = [
    b"*",
    b"files",
    b"healthz",
    b"?",
    b"#",
    b"x:80",
    b"http://evil.example/nowhere",
    b"http://user:secret@evil.example/nowhere",
    b"https://127.0.0.1:5000/webapi/entry.cgi",
    b"http://x/files/../../etc/passwd",
    b"ftp://x/files",
    b"file:///etc/passwd",
    b"gopher://x/_GET",
    b"javascript:alert(1)",
    b"\\files",
    b"/healthz\xa0",
]

NO_TARGETS = [
    b"http://[::1/files",
    b"http://[/files",
    b"/healthz\x00",
    b"/health\x1bz",
    b"/healthz\x0b",
    b"/healthz\x7f",
    b"/healthz\tx",
    b"/healthz\rX-A: b",
]

VERSIONS = [
    *(b"HTTP/0.9", b"HTTP/2.0", b"HTTP/3", b"HTTP/9.9", b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/11", b"HTTP/1.10"),
    *(b"HTTP/1.1.1", b"HTTP/-1.1", b"HTTP/1,1", b"HTTP/A.B", b"http/1.1", b"HTTPS/1.1", b"HTP/1.1", b"HTTP 1.1"),
    *(b"HTTP/1.1 x", b"HTTP/1.1\x00", b"HTTP/\xb9.\xb9", b"RTSP/1.0", b"SIP/2.0", b"/1.1"),
]

HOSTS = [
    *(
        b"a b",
        b"a\x00b",
        b"a/b",
        b"a\\b",
        b"a@b",
        b"user:secret@x",
        b"a?b",
        b"a#b",
        b"a,b",
        b"<x>",
        b'"x"',
        b"http://x",
    ),
    *(b"x\x0b", b"\xff", b"x\x7f", b"a\tb", b"{x}", b"x|y", b"x^y", b"x`y"),
]

HEADERS = [
    b" X-First-Folded: b",
    b"X-A: b\r\n folded",
    b"X-A: b\r\n\tfolded",
    b"X-A : b",
    b"X-A\t: b",
    b"nocolon",
    b": no name",
    b":",
    b"X A: b",
    b"X\x00A: b",
    b"X-A: a\x00b",
    b"X-A: a\rX-B: c",
    b"X-A: \x0b",
    b"X-A: \x1b[2J",
    b"X-A: \x7f",
    b"X(A): b",
    b"X,A: b",
    b'X"A": b',
    b"X/A: b",
    b"X[A]: b",
    b"X@A: b",
    b"X{A}: b",
    b"X\xffA: b",
    b"X-Long: " + b"x" * 17_000,
    b"X" * 17_000 + b": b",
    b"\r\n".join(b"X-%d: %s" % (number, b"v" * 20) for number in range(600)),
    b"Host: y",
    b"Host:",
    b"host: x",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    b"Content-Length: 1\r\nContent-Length: 2",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 1e3",
    b"Content-Length: ",
    b"Content-Length: -0",
    b"Content-Length: \xb2",
    b"Content-Length: 5;",
    b"Content-Length: 0x0",
    b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked;x=1",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding : chunked",
    b"Transfer_Encoding: chunked\r\nContent-Length: x",
]

# What the body of a POST says of itself, and the body
FRAMINGS = [
    (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
    (b"Content-Length: 5\r\nContent-Length: 6", b"hello!"),
    (b"Content-Length: 5, 6", b"hello!"),
    (b"Content-Length: +4", b"hell"),
    (b"Content-Length: -1", b""),
    (b"Content-Length: 0x4", b"hell"),
    (b"Content-Length: 1_0", b"0123456789"),
    (b"Content-Length: 4 4", b"hell"),
    (b"Content-Length: 17000", b""),
    (b"Content-Length: 99999999999", b""),
    (b"Transfer-Encoding: xchunked", b"0\r\n\r\n"),
    (b"Transfer-Encoding: chunked, chunked", b"0\r\n\r\n"),
    (b"Transfer-Encoding: \x0bchunked", b"0\r\n\r\n"),
    *(
        (b"Transfer-Encoding: chunked", body)
        for body in (
            b"0x4\r\nhell\r\n0\r\n\r\n",
            b"-1\r\nhell\r\n0\r\n\r\n",
            b"+4\r\nhell\r\n0\r\n\r\n",
            b"g\r\nhell\r\n0\r\n\r\n",
            b"f" * 17 + b"\r\nx",
            b"4\r\nhellXX0\r\n\r\n",
            b"\r\nhell\r\n0\r\n\r\n",
            b" 4\r\nhell\r\n0\r\n\r\n",
            b"4 \r\nhell\r\n0\r\n\r\n",
            b"4\nhell\n0\n\n" + b"\r\n",
            b"4_\r\nhell\r\n0\r\n\r\n",
            b"\xb2\r\nhe\r\n0\r\n\r\n",
            b"4" * 100 + b"\r\n",
            b"8000\r\n" + b"x" * 0x4000,
            b"4;" + b"x" * 5000 + b"\r\nhell\r\n0\r\n\r\n",
        )
    ),
]

# Not even the shape of a request
BYTES = [
    b"\r\n\r\n\r\n\r\n",
    b"\n\n",
    b"\x00\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /healthz\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /healthz  HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET\t/healthz\tHTTP/1.1\r\nHost: x\r\n\r\n",
    b" GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /health z HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    b"EHLO mail.example\r\n\r\n",
    b"*1\r\n$4\r\nINFO\r\n\r\n",
    b"\xff\xfe\xfd\xfc\r\n\r\n",
    b"{}\r\n\r\n",
    b"<xml/>\r\n\r\n",
    b"GET /" + b"u" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
]


def _refused() -> Iterator[tuple[str, bytes]]:
    for kind, targets in {"path": PATHS, "text": TEXTS, "target": TARGETS}.items():
        for target in targets:
            yield f"{kind} {_name(target)}", b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target
    for method in METHODS:
        yield f"method {_name(method)}", b"%b /files HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % method


def _malformed() -> Iterator[tuple[str, bytes]]:
    for method in NO_METHODS:
        yield f"method {_name(method)}", b"%b /healthz HTTP/1.1\r\nHost: x\r\n\r\n" % method
    for target in NO_TARGETS:
        yield f"target {_name(target)}", b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target
    for version in VERSIONS:
        yield f"version {_name(version)}", b"GET /healthz %b\r\nHost: x\r\n\r\n" % version
    for host in HOSTS:
        yield f"host {_name(host)}", b"GET /healthz HTTP/1.1\r\nHost: %b\r\n\r\n" % host
    for number, header in enumerate(HEADERS):
        yield f"header {number} {_name(header)}", b"GET /healthz HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n" % header
    for number, (framing, body) in enumerate(FRAMINGS):
        yield f"body {number} {_name(framing)}", b"POST / HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n%b" % (framing, body)
    for number, data in enumerate(BYTES):
        yield f"bytes {number} {_name(data)}", data


def _name(data: bytes) -> str:
    return ascii(data[:40].decode("latin-1"))[1:-1]


REFUSED: Mapping[str, bytes] = dict(_refused())
"""Requests that can be read, and ask the server to close the connection."""

MALFORMED: Mapping[str, bytes] = dict(_malformed())
"""Requests that two programs could read in two ways, or nobody at all: the connection has to be closed."""
