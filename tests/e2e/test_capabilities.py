"""What a client and a server agree on in the handshake, kept although many clients share a connection."""

import struct

import pytest
import wire_client
from wire_client import (EXECUTE, LONGLONG, QUERY, QUERY_ATTRIBUTES, USUAL, VAR_STRING, Reader, ServerError, WireClient,
                         lenenc, lenenc_int)


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.agreed (id INT PRIMARY KEY, v VARCHAR(50))")
        root.run("REPLACE INTO app.agreed VALUES (1, 'one')")
        root.run("DROP PROCEDURE IF EXISTS app.one_result")
        root.run("CREATE PROCEDURE app.one_result() BEGIN SELECT 1; END")
    cluster.wait_caught_up()


@pytest.fixture
def client(endpoint, flavor):
    opened = []

    def connect(**options):
        one = WireClient(endpoint, tls=flavor == "mysql", **options)
        opened.append(one)
        return one

    yield connect
    for one in opened:
        one.close()


def error_of(work):
    with pytest.raises(ServerError) as caught:
        work()
    return caught.value.code


# --- query attributes ---

def attributes(**values):
    """The part of a COM_QUERY before the text; strings only, and None."""
    body = lenenc_int(len(values)) + b"\1"
    if values:
        nulls = bytearray((len(values) + 7) // 8)
        for i, value in enumerate(values.values()):
            if value is None:
                nulls[i // 8] |= 1 << i % 8
        body += bytes(nulls) + b"\1"
        body += b"".join(struct.pack("<H", VAR_STRING) + lenenc(name) for name in values)
        body += b"".join(lenenc(value) for value in values.values() if value is not None)
    return body


@pytest.fixture
def reader_component(cluster, flavor):
    """The function that reads attributes, on every MySQL server."""
    if flavor != "mysql":
        yield False
        return
    for server in cluster.servers:
        with cluster.witness.root(server) as root:
            root.run("SET sql_log_bin = 0")
            if server is not cluster.primary:
                root.run("SET GLOBAL super_read_only = 0")
            root.run("INSTALL COMPONENT 'file://component_query_attributes'")
            if server is not cluster.primary:
                root.run("SET GLOBAL super_read_only = 1")
    yield True
    for server in cluster.servers:
        with cluster.witness.root(server) as root:
            root.run("SET sql_log_bin = 0")
            if server is not cluster.primary:
                root.run("SET GLOBAL super_read_only = 0")
            root.run("UNINSTALL COMPONENT 'file://component_query_attributes'")
            if server is not cluster.primary:
                root.run("SET GLOBAL super_read_only = 1")


def test_query_attributes_reach_the_servers_that_know_them(client, reader_component):
    one = client(caps=USUAL | QUERY_ATTRIBUTES)
    if not reader_component:
        assert not one.caps & QUERY_ATTRIBUTES
        return
    ask = b"SELECT mysql_query_attribute_string('who'), mysql_query_attribute_string('nobody')"
    other = client(caps=USUAL | QUERY_ATTRIBUTES)
    for i in range(6):
        one.write(bytes([QUERY]) + attributes(who="me %d" % i, nobody=None) + ask)
        assert Reader(one.result()["rows"][0]).text() == b"me %d" % i
        # Nothing is left for the next one on that connection.
        assert other.query(ask)["rows"][0] == b"\xfb\xfb"
    # The classifier reads the text behind them, and errands go ahead of it.
    one.write(bytes([QUERY]) + attributes(a="'", b="/*") + b"SET sql_mode = 'ANSI_QUOTES'")
    one.result()
    for i in range(4):
        one.write(bytes([QUERY]) + attributes(who="x") + b'SELECT "v", mysql_query_attribute_string(\'who\') FROM agreed')
        assert one.result()["rows"][0] == b"\x03one\x01x"
    one.write(bytes([QUERY]) + attributes(who="x") + b"INSERT INTO agreed VALUES (2, 'two')")
    assert one.result()["affected"] == 1
    one.query("DELETE FROM agreed WHERE id = 2")


def test_query_attributes_of_an_execution(client, reader_component):
    if not reader_component:
        return
    one = client(caps=USUAL | QUERY_ATTRIBUTES)
    number_of, _, _ = one.prepare("SELECT ? + 0, mysql_query_attribute_string('who')")
    for i in range(6):
        body = bytes([EXECUTE]) + struct.pack("<IBI", number_of, 8, 1) + b"\2" + b"\0\1"
        body += struct.pack("<H", LONGLONG) + lenenc("") + struct.pack("<H", VAR_STRING) + lenenc("who")
        one.write(body + struct.pack("<q", i) + lenenc("me"))
        assert one.result()["rows"][0] == b"\0\0" + struct.pack("<q", i) + b"\2me"


def test_malformed_query_attributes_are_refused_and_the_session_lives(client, flavor):
    one = client(caps=USUAL | QUERY_ATTRIBUTES)
    if flavor != "mysql":
        return
    for body in (b"\1\1\0", b"\xfb\1", b"\1\2\0\1", b"\1\1\0\1\xfd\0\3who\xfe\xff\xff\xff\xff\xff\xff\xff\xff"):
        one.write(bytes([QUERY]) + body)
        assert error_of(one.result) in (1835, 1064, 1065)
    assert one.value("SELECT v FROM agreed") == b"one"
