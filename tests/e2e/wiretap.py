"""A relay in front of an endpoint that remembers whether its clients began TLS, and what was said."""

import socket
import threading

from endpoint import Endpoint


class Wiretap(Endpoint):
    """Relays every connection made to it; a context manager. `encrypted` has one bool a connection so far.
    `heard`: all that went either way, where `remembers`; ask for it when its connections are over."""

    def __init__(self, target, remembers=False):
        self._listener = socket.create_server(("127.0.0.1", 0))
        super().__init__("127.0.0.1", self._listener.getsockname()[1])
        self.target = target
        self.encrypted = []
        self.remembers = remembers
        self._heard = []
        self._sockets = [self._listener]
        self._threads = []

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *_):
        for one in self._sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        for thread in self._threads:
            thread.join(30)

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection((self.target.host, self.target.port))
            self._sockets += [client, server]
            self._start(self._relay, server, client)
            self._start(self._relay_client, client, server)

    def _relay_client(self, client, server):
        """The client's first packet is its login or, with the same beginning, its wish for TLS, which follows."""
        try:
            head = client.recv(36, socket.MSG_WAITALL)
            server.sendall(head)
            following = client.recv(65536) if head[:4] == b"\x20\x00\x00\x01" else b""
            self.encrypted.append(following[:1] == b"\x16")
            server.sendall(following)
            self._hear(head + following)
        except OSError:
            pass
        self._relay(client, server)

    @property
    def heard(self):
        return b"".join(self._heard)

    def _hear(self, chunk):
        if self.remembers:
            self._heard.append(bytes(chunk))

    def _relay(self, source, sink):
        buffer = bytearray(1 << 18)
        view = memoryview(buffer)
        try:
            while True:
                size = source.recv_into(buffer)
                if not size:
                    break
                self._hear(view[:size])
                sink.sendall(view[:size])
        except OSError:
            pass
        for one in (sink, source):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
