"""The rival: the shortest Tornado handler that writes the same bytes. bare.py PORT FILE"""

import asyncio
import sys
from pathlib import Path

from tornado.web import Application, RequestHandler

BODY = Path(sys.argv[2]).read_bytes()


class Photo(RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "image/jpeg")
        self.write(BODY)

    def compute_etag(self) -> None:
        pass


class Tagged(RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "image/jpeg")
        self.set_etag_header()
        if self.check_etag_header():
            self.set_status(304)
            return
        self.write(BODY)

    def compute_etag(self) -> str:
        """Known beforehand: hashing the body each time would be no fair rival."""
        return '"bare"'


async def main() -> None:
    Application([(r"/photo", Photo), (r"/tagged", Tagged)]).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
