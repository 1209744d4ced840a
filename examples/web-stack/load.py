"""Visitors of the site: so many requests a second, each on a connection of its own, none of them ever repeated.

Every request is noted as it is seen by the visitor: what it was, when it began and ended, and what went wrong. After each
POST its visitor reads the note back, with the cookie that came with the answer, as a browser does.
"""

import asyncio
import dataclasses
import re
import ssl
import threading
import time

PATIENCE = 20.0  # seconds after which a visitor gives up
SLOW = 1.0  # seconds from which on an answer is a disturbance


@dataclasses.dataclass
class Request:
    kind: str  # GET or POST
    begin: float
    end: float
    error: str = None
    stale: bool = False  # what its visitor had written was not there

    took = property(lambda self: self.end - self.begin)
    disturbed = property(lambda self: bool(self.error) or self.took > SLOW)


class Load(threading.Thread):
    def __init__(self, site, addresses, authority, rate):
        super().__init__(daemon=True)
        self.site, self.addresses, self.rate = site, addresses, rate
        self.tls = ssl.create_default_context(cafile=str(authority))
        self.requests, self.acknowledged = [], set()
        self.open = set()  # when those began that have not ended
        self.over = threading.Event()

    def run(self):
        asyncio.run(self._visit())

    def end(self):
        self.over.set()
        self.join(PATIENCE + 10)

    def oldest_open(self):
        return min(list(self.open), default=time.monotonic())

    async def _visit(self):
        """At its rate, whether earlier requests were answered or not: visitors do not wait for each other."""
        tasks, count, began = set(), 0, time.monotonic()
        while not self.over.is_set():
            address = self.addresses[count % len(self.addresses)]  # as DNS does with several
            task = asyncio.create_task(self._post(address, count) if count % 5 == 0 else self._get(address))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            count += 1
            await asyncio.sleep(max(0, began + count / self.rate - time.monotonic()))
        await asyncio.gather(*tasks)

    async def _get(self, address):
        await self._request("GET", address, "GET / HTTP/1.1\r\n")

    async def _post(self, address, number):
        text = "text=visitor+%d" % number
        answer = await self._request(
            "POST", address, "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n"
            % len(text), text)
        if not answer:
            return
        note = re.search(r"(?im)^location: (?:https://[^/]+)?/notes/(\d+)", answer)[1]
        self.acknowledged.add(int(note))
        cookie = re.search(r"(?im)^set-cookie: ([^;\r\n]+)", answer)
        await self._request("GET", address, "GET /notes/%s HTTP/1.1\r\n%s"
                            % (note, "Cookie: %s\r\n" % cookie[1] if cookie else ""))

    async def _request(self, kind, address, head, body=""):
        """The answer, or None after an error, which is noted."""
        one = Request(kind, time.monotonic(), 0)
        self.open.add(one.begin)
        answer = None
        try:
            text = "%sHost: %s\r\nConnection: close\r\n\r\n%s" % (head, self.site, body)
            answer = (await asyncio.wait_for(self._exchange(address, text.encode()), PATIENCE)).decode(errors="replace")
            status = (answer.split(" ", 2) + ["", ""])[1] or "nothing"
            one.stale = status == "404"
            if status not in ("200", "303", "404"):
                one.error = "answer %s" % status
        except asyncio.TimeoutError:
            one.error = "no answer in %d s" % PATIENCE
        except OSError as problem:
            one.error = type(problem).__name__
        one.end = time.monotonic()
        self.requests.append(one)
        self.open.discard(one.begin)
        return None if one.error else answer

    async def _exchange(self, address, text):
        reader, writer = await asyncio.open_connection(address, 443, ssl=self.tls, server_hostname=self.site)
        try:
            writer.write(text)
            return await reader.read()
        finally:
            writer.close()
