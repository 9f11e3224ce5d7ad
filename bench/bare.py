"""The rival: the shortest Tornado handler that writes the same bytes. bare.py PORT BYTES"""

import asyncio
import sys

from tornado.web import Application, RequestHandler

BODY = b"\xff\xd8\xff" + bytes(int(sys.argv[2]) - 5) + b"\xff\xd9"


class Photo(RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "image/jpeg")
        self.write(BODY)

    def compute_etag(self) -> None:
        pass


class Tagged(RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "image/jpeg")
        self.set_header("Etag", '"bare"')
        if self.check_etag_header():
            self.set_status(304)
            return
        self.write(BODY)


async def main() -> None:
    Application([(r"/photo", Photo), (r"/tagged", Tagged)]).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
