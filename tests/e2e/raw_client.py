"""A client without manners: it logs in as any, then reads at its own pace or says whatever it likes."""

import socket
import struct

from pymysql.constants import COMMAND


class RawClient:
    """A logged-in connection's socket. Over TLS its own pace is that of the TLS layer above it."""

    def __init__(self, endpoint, receive_buffer=None, **options):
        self.connection = endpoint.connect(**options)
        self.socket = self.connection._sock
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)

    def close(self):
        self.socket.close()
        self.connection._force_close()

    def send(self, sequence, payload):
        self.socket.sendall(struct.pack("<I", len(payload))[:3] + bytes([sequence]) + payload)

    def query(self, statement):
        self.send(0, bytes([COMMAND.COM_QUERY]) + statement.encode())

    def read_exactly(self, size):
        parts = []
        while size:
            part = self.socket.recv(min(size, 1 << 18))
            if not part:
                raise EOFError("the connection was closed")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def read_packet(self):
        head = self.read_exactly(4)
        return self.read_exactly(int.from_bytes(head[:3], "little"))


class Walker:
    """Finds the end of one text result set in bytes that come in any pieces."""

    def __init__(self):
        self.rows_bytes = 0   # of the rows' packets
        self.finished = False
        self._head = b""
        self._left = 0        # of the packet that is being read
        self._length = 0
        self._ends = 0        # end packets so far: after the columns, after the rows
        self._continues = False

    def feed(self, data):
        position = 0
        while position < len(data) and not self.finished:
            if self._left:
                step = min(self._left, len(data) - position)
                self._left -= step
                position += step
                continue
            # Four bytes of header, and the first of the payload unless there is none.
            wanted = 5 if len(self._head) < 4 or int.from_bytes(self._head[:3], "little") else 4
            step = min(wanted - len(self._head), len(data) - position)
            self._head += bytes(data[position:position + step])
            position += step
            if len(self._head) >= 4 and (len(self._head) == 5 or not int.from_bytes(self._head[:3], "little")):
                self._packet()
        return self.finished

    def _packet(self):
        length = int.from_bytes(self._head[:3], "little")
        first = self._head[4] if length else None
        self._head = b""
        self._left = max(0, length - 1)
        begins = not self._continues
        self._continues = length == 0xFFFFFF
        if begins and first == 0xFF and length < 9000:
            raise AssertionError("the result ended in an error")
        if begins and first == 0xFE and length < 9:
            self._ends += 1
            self.finished = self._ends == 2 and self._left == 0
            if self._ends == 2:
                self._left, self.finished = 0, True
            return
        if self._ends == 1:
            self.rows_bytes += length
