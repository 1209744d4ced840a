"""What a client and a server agree on in the handshake, kept although many clients share a connection."""

import struct

import pytest
import wire_client
from endpoint import wait_until
from wire_client import (EXECUTE, LONGLONG, QUERY, QUERY_ATTRIBUTES, USUAL, VAR_STRING, Reader, ServerError,
                         lenenc, lenenc_int)


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.agreed (id INT PRIMARY KEY, v VARCHAR(50))")
        root.run("REPLACE INTO app.agreed VALUES (1, 'one')")
        root.run("DROP PROCEDURE IF EXISTS app.one_result")
        root.run("CREATE PROCEDURE app.one_result() BEGIN SELECT 1; END")
    cluster.wait_caught_up()


@pytest.fixture(scope="module")
def wye_options():
    return ["--set", "monitor_interval=20ms"]


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


def test_query_attributes_may_ask_for_the_route(client, reader_component):
    one = client(caps=USUAL | QUERY_ATTRIBUTES)
    if not reader_component:
        return
    for _ in range(6):
        one.write(bytes([QUERY]) + attributes(**{"wye.route": "primary", "wye.nothing": "x"}) + b"SELECT name FROM whoami")
        assert Reader(one.result()["rows"][0]).text() == b"primary"
        # What the statement says itself counts more.
        one.write(bytes([QUERY]) + attributes(**{"wye.route": "primary"}) + b"SELECT /* wye: replica */ name FROM whoami")
        assert Reader(one.result()["rows"][0]).text().startswith(b"replica")


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


# --- what a flag of the client means ---

def test_found_rows_belong_to_who_asked_for_them(client):
    counting, other = client(caps=USUAL | wire_client.FOUND_ROWS), client()
    same = "UPDATE agreed SET v = 'one' WHERE id = 1"
    for _ in range(4):
        assert counting.query(same)["affected"] == 1
        assert other.query(same)["affected"] == 0


def test_several_statements_are_for_who_switched_them_on(client):
    one, other = client(caps=USUAL | wire_client.MULTI_STATEMENTS), client()
    two = b"\x03" + b"SELECT 1; SELECT 2"
    switch = lambda to: b"\x1b" + struct.pack("<H", to)  # noqa: E731
    for _ in range(3):
        one.write(two)
        assert len(one.results()) == 2
        other.write(two)
        assert error_of(other.results) == 1064
    one.write(switch(1), two, switch(0), two, b"\x1b\x05\x00")
    one.end(one.packet())
    assert error_of(one.results) == 1064
    one.end(one.packet())
    assert len(one.results()) == 2
    assert error_of(one.result) == 1047
    # Also where the session is tied to its connection.
    other.query("BEGIN")
    other.query("UPDATE agreed SET v = 'one' WHERE id = 1")
    other.write(switch(0), two, switch(1), two)
    other.end(other.packet())
    assert len(other.results()) == 2
    other.end(other.packet())
    assert error_of(other.results) == 1064
    other.query("ROLLBACK")
    for _ in range(3):
        other.write(two)
        assert error_of(other.results) == 1064


def test_a_procedure_with_a_result_needs_a_client_for_several(client):
    one, other = client(without=wire_client.MULTI_RESULTS | wire_client.PS_MULTI_RESULTS), client()
    for _ in range(2):
        assert error_of(lambda: one.query("CALL one_result()")) == 1312
        other.write(bytes([QUERY]) + b"CALL one_result()")
        assert len(other.results()) == 2
    assert one.value("SELECT v FROM agreed") == b"one"


def test_an_interactive_client_has_the_interactive_timeout(client, cluster):
    with cluster.witness.root(cluster.primary) as root:
        expected = root.value("SELECT @@global.interactive_timeout")
        root.run("SET GLOBAL interactive_timeout = 4321")
    try:
        wait_until(lambda: client(caps=USUAL | wire_client.INTERACTIVE).value("SELECT @@wait_timeout") == b"4321",
                           "wye to know the new value")
        one, other = client(caps=USUAL | wire_client.INTERACTIVE), client()
        for _ in range(4):
            assert one.value("SELECT @@wait_timeout") == b"4321"
            assert other.value("SELECT @@wait_timeout") != b"4321"
    finally:
        with cluster.witness.root(cluster.primary) as root:
            root.run("SET GLOBAL interactive_timeout = %s" % expected)


def test_a_session_that_is_silent_for_longer_than_its_wait_timeout_is_closed(client, flavor):
    one = client()
    one.query("SET wait_timeout = 1")
    one.query("DO 0")
    with pytest.raises(EOFError):
        packet = one.packet()
        assert flavor == "mysql" and one.error(packet).code == 4031
        one.packet()


def test_ignored_space_is_part_of_the_sql_mode(client, flavor):
    one, other = client(caps=USUAL | wire_client.IGNORE_SPACE), client()
    for _ in range(4):
        assert b"IGNORE_SPACE" in one.value("SELECT @@sql_mode")
        assert one.value("SELECT COUNT (*) FROM agreed") == b"1"
        assert b"IGNORE_SPACE" not in other.value("SELECT @@sql_mode")
        assert error_of(lambda: other.query("SELECT COUNT (*) FROM agreed")) in (1064, 1630)
    one.write(b"\x1f")
    one.result()
    assert (b"IGNORE_SPACE" in one.value("SELECT @@sql_mode")) == (flavor == "mysql")


# --- init_connect ---

def value_of(client, ask):
    with client() as one:
        return one.value(ask)


@pytest.fixture
def init_connect(cluster, endpoint):
    """Sets it on every server, and waits until sessions begin with it."""
    def everywhere(text):
        for server in cluster.servers:
            with cluster.witness.root(server) as root:
                root.run("SET GLOBAL init_connect = %s", [text])

    def set_and_wait(text, client, ask, expected):
        everywhere(text)
        # A connection made before wye has looked again shows it too: many in a row last longer than that.
        wait_until(lambda: all(value_of(client, ask) == expected for _ in range(25)), "sessions to begin with " + text)

    yield set_and_wait
    everywhere("")


def test_init_connect_is_what_every_session_begins_with(client, init_connect):
    ask = "SELECT CONCAT(@@group_concat_max_len, ' ', @@lock_wait_timeout, ' ', @@sql_mode LIKE '%ANSI_QUOTES%')"
    init_connect("SET group_concat_max_len = 4444, lock_wait_timeout = 77; SET sql_mode = 'ANSI_QUOTES'", client, ask,
                 b"4444 77 1")
    one, other = client(), client()
    for _ in range(4):
        assert one.value(ask) == other.value(ask) == b"4444 77 1"
    # The quotes are read as this mode has them.
    assert one.value('SELECT "v" FROM agreed') == b"one"
    one.query("SET group_concat_max_len = 5555")
    for _ in range(4):
        assert one.value("SELECT @@group_concat_max_len") == b"5555"
        assert other.value("SELECT @@group_concat_max_len") == b"4444"
    # A reset brings back what is global: the servers do not run it again.
    one.write(b"\x1f")
    one.result()
    for _ in range(4):
        assert one.value(ask) not in (b"4444 77 1", None)
        assert other.value(ask) == b"4444 77 1"


def test_init_connect_is_not_run_for_who_has_the_right(client, init_connect, cluster):
    ask = "SELECT @@group_concat_max_len"
    init_connect("SET group_concat_max_len = 4444", client, ask, b"4444")
    root = client(user="admin", database="app")
    plain = client()
    for _ in range(4):
        assert root.value(ask) != b"4444"
        assert plain.value(ask) == b"4444"


def test_init_connect_that_does_more_than_set_variables(client, init_connect):
    ask = "SELECT @of_init"
    init_connect("SET @of_init = CONCAT('a', 'b')", client, ask, b"ab")
    one, other = client(), client()
    one.query("SET @mine = 1")
    for _ in range(4):
        assert one.value(ask) == other.value(ask) == b"ab"
    one.close()
    assert [client().value(ask) for _ in range(4)] == [b"ab"] * 4


# --- connection attributes ---

OWN = ("SELECT attr_value FROM performance_schema.session_connect_attrs a JOIN performance_schema.threads t USING"
       " (processlist_id) WHERE t.thread_id = PS_CURRENT_THREAD_ID() AND attr_name = '%s'")


def test_what_an_application_calls_itself_reaches_the_server_and_nobody_else(client, flavor):
    if flavor != "mysql":
        return  # the performance schema is off there
    told = {"program_name": "billing", "team": "blue", "_pid": "4711"}
    billing, other, plain = (client(attributes=told), client(attributes={"program_name": "shop", "_pid": "1"}), client())
    for _ in range(3):
        assert billing.value(OWN % "program_name") == b"billing" and billing.value(OWN % "team") == b"blue"
        assert other.value(OWN % "program_name") == b"shop" and other.query(OWN % "team")["rows"] == []
        assert plain.query(OWN % "team")["rows"] == []
    many = [client(attributes={"program_name": "one of many %d" % i}) for i in range(30)]
    assert [one.value("SELECT v FROM agreed") for one in many] == [b"one"] * 30


# --- commands of their own ---

def test_commands_that_are_answered_by_one_server_and_those_that_are_not_passed_on(client, flavor, wye):
    one = client()
    one.write(b"\x09")
    assert b"Uptime" in one.packet()
    one.write(b"\x04agreed\0v")
    rows, _ = one.rows()
    assert b"agreed" in rows[0]
    for command in (b"\x12", b"\x13", b"\x15", b"\x1e"):
        one.write(command + b"\0" * 16)
        with pytest.raises(ServerError, match="connect to the server itself"):
            one.result()
    for command in (b"\x05x", b"\x0b", b"\x0f", b"\x10", b"\x1d", b"\x20", b"\x21", b"\x7f", b"\xff"):
        one.write(command)
        assert error_of(one.result) == 1047
    one.write(b"\x0a")
    if flavor == "mysql":
        assert error_of(one.result) == 1047
    else:
        assert one.result()["rows"]
    for command in (b"\x0d", b"\x07\x01", b"\x08\x00"):  # DEBUG, REFRESH, SHUTDOWN: this account may not
        one.write(command)
        assert error_of(one.result) in (1045, 1047, 1227)
    assert one.value("SELECT v FROM agreed") == b"one"


# --- what a session is told of its state ---

def kinds(one, text):
    """The types of the session-state entries in a statement's OK, and the bytes."""
    block, found = Reader(one.query(text)["trackers"]), []
    while block.at < len(block.data):
        found.append(block.number(1))
        block.text()
    return found


def test_a_client_is_told_what_it_asked_for_and_wye_what_it_needs(client, flavor):
    one, plain = client(caps=USUAL | wire_client.SESSION_TRACK), client(caps=USUAL | wire_client.SESSION_TRACK)
    silent = client()
    assert kinds(one, "SET time_zone = '+03:00'") == [0] and kinds(one, "USE app2") == [1] and kinds(one, "USE app") == [1]
    assert kinds(one, "SET sql_mode = ''") == kinds(one, "SET @a = 1") == []
    one.query("SET session_track_system_variables = 'sql_mode,lock_wait_timeout', session_track_schema = 0")
    one.query("SET session_track_state_change = 1")
    for _ in range(2):
        assert 0 in kinds(one, "SET sql_mode = 'ANSI'") and 0 in kinds(one, "SET lock_wait_timeout = 5")
        assert 0 not in kinds(one, "SET time_zone = '+04:00'") and 2 in kinds(one, "SET @a = 1")
        assert 1 not in kinds(one, "USE app2") and 1 not in kinds(one, "USE app")
        assert kinds(plain, "SET sql_mode = 'ANSI'") == [] and kinds(plain, "SET time_zone = '+04:00'") == [0]
        assert silent.query("SET time_zone = '+04:00'")["trackers"] == b""
    one.query("SET session_track_transaction_info = 'STATE', session_track_state_change = 0")
    assert kinds(one, "BEGIN") == [5] and kinds(one, "COMMIT") == [5]
    if flavor == "mysql":
        one.query("SET session_track_gtids = 'OWN_GTID'")
        assert 3 in kinds(one, "REPLACE INTO agreed VALUES (3, 'three')")
    # A client that wants to hear nothing does not make wye deaf: what it writes it reads.
    one.query("SET session_track_system_variables = '', session_track_transaction_info = 'OFF'")
    for i in range(20):
        one.query("REPLACE INTO agreed VALUES (3, 'written %d')" % i)
        assert one.value("SELECT v FROM agreed WHERE id = 3") == b"written %d" % i
    one.query("DELETE FROM agreed WHERE id = 3")
