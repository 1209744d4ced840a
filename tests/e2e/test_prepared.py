"""Prepared statements: what a server does with them on one connection, wye does over many."""

import struct

import pytest
from conftest import start_wye
from wire_client import (BLOB, BULK, CLOSE, CURSOR_EXISTS, EXECUTE, EXTENDED_METADATA, FETCH, LAST, LAST_ROW_SENT, LONG,
                         LONG_DATA, LONGLONG, MORE_RESULTS, PREPARE, RESET, STMT_BULK, UNIT_RESULTS, USUAL, DEPRECATE_EOF,
                         VAR_STRING, Reader, ServerError, WireClient, lenenc, statement)


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("DROP TABLE IF EXISTS app.prepared")
        root.run("CREATE TABLE app.prepared (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(50), n INT, b LONGBLOB)")
        root.run("DROP PROCEDURE IF EXISTS app.with_out")
        root.run("CREATE PROCEDURE app.with_out(IN a INT, OUT b INT) BEGIN SELECT a; SET b = a * 2; SELECT a + 1; END")
    cluster.wait_caught_up()


def number(value):
    return struct.pack("<q", value)


def longs(row, count=1):
    """The BIGINTs of a binary row, which has a byte of its own and a bitmap in front."""
    return struct.unpack_from("<%dq" % count, row, 1 + (count + 9) // 8)


def error_of(work):
    with pytest.raises(ServerError) as caught:
        work()
    return caught.value.code


def test_commands_in_one_write_are_answered_in_order(client):
    one = client()
    number_of, _, _ = one.prepare("SELECT ? + 0")
    one.write(statement(number_of, 0, [LONGLONG], [number(1)]), bytes([RESET]) + struct.pack("<I", number_of),
              bytes([PREPARE]) + b"SELECT 'second'", statement(number_of, 0, [LONGLONG], [number(2)]), b"\x0e",
              bytes([CLOSE]) + struct.pack("<I", number_of), statement(number_of, 0, [LONGLONG], [number(3)]))
    assert longs(one.result()["rows"][0]) == (1,)
    assert one.result()["affected"] == 0
    one.prepared()
    assert longs(one.result()["rows"][0]) == (2,)
    assert one.result()["affected"] == 0
    assert error_of(one.result) == 1243


def test_the_statement_prepared_last_is_executed_without_waiting_for_its_number(client, flavor, request):
    if flavor == "mysql" and request.config.getoption("direct"):
        return  # a MySQL server does not know this
    one = client()
    one.write(bytes([PREPARE]) + b"SELECT 5 + ?", statement(LAST, 0, [LONGLONG], [number(7)]))
    one.prepared()
    assert longs(one.result()["rows"][0]) == (12,)
    one.write(bytes([PREPARE]) + b"SELEC 1", statement(LAST))
    assert error_of(one.prepared) == 1064
    assert error_of(one.result) == 1243
    one.write(bytes([PREPARE]) + b"INSERT INTO prepared (n) VALUES (?)", statement(LAST, 0, [LONGLONG], [number(7)]),
              bytes([CLOSE]) + struct.pack("<I", LAST), bytes([RESET]) + struct.pack("<I", LAST))
    one.prepared()
    assert one.result()["affected"] == 1
    assert error_of(one.result) == 1243


def bulk(number_of, rows, types=True, unit_results=False):
    flags = (0x80 if types else 0) | (0x40 if unit_results else 0)
    body = b"".join(b"\0" + lenenc(text) + (b"\1" if n is None else b"\0" + struct.pack("<i", n)) for text, n in rows)
    return (bytes([BULK]) + struct.pack("<IH", number_of, flags)
            + (struct.pack("<HH", VAR_STRING, LONG) if types else b"") + body)


def test_bulk_execution_is_offered_by_mariadb_and_runs_there(client, flavor):
    one = client(mariadb_caps=STMT_BULK | UNIT_RESULTS | EXTENDED_METADATA)
    if flavor == "mysql":
        assert not one.mariadb_caps
        return
    assert one.mariadb_caps & STMT_BULK
    one.query("DELETE FROM prepared")
    rows = [("row %d" % i, i if i % 2 else None) for i in range(10)]
    one.write(bytes([PREPARE]) + b"INSERT INTO prepared (v, n) VALUES (?, ?)", bulk(LAST, rows))
    number_of, _, _ = one.prepared()
    assert one.result()["affected"] == 10
    # Another session's types on the connection they share; then its own again, which it does not repeat.
    with WireClientLike(one, client) as other:
        other_number, _, _ = other.prepare("INSERT INTO prepared (v, n) VALUES (?, ?)")
        other.execute(other_number, 0, [LONGLONG, LONGLONG], [number(1), number(2)])
    one.write(bulk(number_of, rows, types=False))
    assert one.result()["affected"] == 10
    one.query("DELETE FROM prepared WHERE v = '1'")
    assert one.value("SELECT CONCAT(COUNT(*), ' ', SUM(n), ' ', COUNT(n)) FROM prepared") == b"20 50 10"
    if one.mariadb_caps & UNIT_RESULTS:
        one.write(bulk(number_of, rows, unit_results=True))
        assert len(one.results()[0]["rows"]) == 10


class WireClientLike:
    """A second client of the same kind, closed at the end."""

    def __init__(self, like, connect):
        self.one = connect(mariadb_caps=like.mariadb_caps)

    def __enter__(self):
        return self.one

    def __exit__(self, *_):
        self.one.close()


def test_a_read_is_prepared_wherever_it_runs_and_its_types_follow_it(client):
    one, other = client(), client()
    number_of, _, _ = one.prepare("SELECT ?, @@server_id")
    other_number, _, _ = other.prepare("SELECT ?, @@server_id")
    one.execute(number_of, 0, [LONGLONG], [number(1)])
    for i in range(12):
        # The same text on the same connections, with other types; these are told once, as drivers do.
        assert b"text" in other.execute(other_number, 0, [VAR_STRING], [lenenc("text")])["rows"][0]
        assert longs(one.execute(number_of, 0, [LONGLONG], [number(i)], bound=False)["rows"][0]) == (i,)


def test_a_table_that_was_changed_is_read_in_its_new_form(client, cluster):
    one = client()
    one.query("DROP TABLE IF EXISTS changing")
    one.query("CREATE TABLE changing (a BIGINT)")
    one.query("INSERT INTO changing VALUES (1)")
    number_of, columns, _ = one.prepare("SELECT * FROM changing")
    assert columns == 1 and longs(one.execute(number_of)["rows"][0]) == (1,)
    one.query("ALTER TABLE changing ADD b BIGINT DEFAULT 2")
    for _ in range(4):
        assert longs(one.execute(number_of)["rows"][0], 2) == (1, 2)
    one.query("DROP TABLE changing")
    assert error_of(lambda: one.execute(number_of)) == 1146
    assert error_of(lambda: one.prepare("SELECT * FROM changing")) == 1146


def test_long_data_is_for_one_statement_and_one_execution(client):
    one = client()
    one.query("DELETE FROM prepared")
    insert = "INSERT INTO prepared (n, b) VALUES (?, ?)"
    first, second = one.prepare(insert)[0], one.prepare(insert)[0]
    piece = b"0123456789abcdef" * 4096
    for chunk in (piece, piece, b"end"):
        one.write(bytes([LONG_DATA]) + struct.pack("<IH", first, 1) + chunk)
    # The other one has the same text, but not the data.
    one.execute(second, 0, [LONGLONG, BLOB], [number(2), lenenc("short")])
    assert one.execute(first, 0, [LONGLONG, BLOB], [number(1), b""])["affected"] == 1
    assert int(one.value("SELECT LENGTH(b) FROM prepared WHERE n = 1")) == 2 * len(piece) + 3
    assert one.value("SELECT b FROM prepared WHERE n = 2") == b"short"
    one.write(bytes([LONG_DATA]) + struct.pack("<IH", first, 1) + piece, bytes([RESET]) + struct.pack("<I", first))
    one.result()
    one.execute(first, 0, [LONGLONG, BLOB], [number(3), lenenc("after a reset")])
    assert one.value("SELECT b FROM prepared WHERE n = 3") == b"after a reset"
    one.query("DELETE FROM prepared")


@pytest.mark.parametrize("without", [0, DEPRECATE_EOF])
def test_a_cursor_is_fetched_while_others_work(client, without):
    one = client(without=without)
    text = "SELECT a.id + 0 FROM (SELECT 1 AS id UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5) a ORDER BY 1"
    first, second = one.prepare(text)[0], one.prepare(text)[0]
    one.query("DELETE FROM prepared")
    for number_of in (first, second):
        one.write(statement(number_of, flags=1))
        columns = Reader(one.packet()).lenenc()
        definitions = [one.packet() for _ in range(columns)]
        assert definitions and one.end(one.packet())["status"] & CURSOR_EXISTS
    seen = []
    for number_of in (first, second, first, second, first, second):
        one.write(bytes([FETCH]) + struct.pack("<II", number_of, 2))
        rows, end = one.rows()
        seen += [longs(row)[0] for row in rows]
        one.query("INSERT INTO prepared (n) VALUES (1)")
        assert one.value("SELECT COUNT(*) FROM prepared")
    assert seen == [1, 2, 1, 2, 3, 4, 3, 4, 5, 5]
    assert end["status"] & LAST_ROW_SENT
    one.write(bytes([FETCH]) + struct.pack("<II", first, 2))
    assert error_of(one.rows) == 1421
    assert one.value("SELECT COUNT(*) FROM prepared") == b"6"


def test_a_procedures_results_and_out_parameters(client):
    one = client()
    one.query("SET @out_value = 0")
    number_of, _, parameters = one.prepare("CALL with_out(?, ?)")
    assert parameters == 2
    one.write(statement(number_of, 0, [LONGLONG, LONGLONG], [number(20), None]))
    results = one.results()
    # Two results of its own, the values of the OUT parameters, and the end.
    assert [len(result.get("rows", [])) for result in results] == [1, 1, 1, 0]
    assert results[2]["status"] & 0x1000 and results[2]["status"] & MORE_RESULTS
    assert b"\x28" in results[2]["rows"][0]


def test_65535_parameters(client):
    one = client()
    number_of, _, parameters = one.prepare("SELECT ?, CONCAT(" + ",".join(["?"] * 65534) + ")")
    assert parameters == 65535
    values = [number(1)] + [lenenc("x")] * 65534
    types = [LONGLONG] + [VAR_STRING] * 65534
    for bound in (True, False, False):
        row = one.execute(number_of, 0, types, values, bound=bound)["rows"][0]
        assert len(row) > 65534 and row.endswith(b"x" * 100)
    assert error_of(lambda: one.prepare("SELECT " + ",".join(["?"] * 65536))) == 1390


def test_executions_of_more_than_16_mib_go_wherever_they_must_and_get_their_types(client):
    one, other = client(), client()
    text = "SELECT LENGTH(?) + 0, CONCAT(?, '') = ''"
    number_of, other_number = one.prepare(text)[0], other.prepare(text)[0]
    for size in (1000, (16 << 20) - 30, (16 << 20) - 22, (33 << 20) + 5):
        one.execute(number_of, 0, [BLOB, VAR_STRING], [lenenc("x"), lenenc("y")])
        for _ in range(2):
            other.execute(other_number, 0, [LONGLONG, LONGLONG], [number(1), number(1)])
            value = b"\xfd" + struct.pack("<I", size)[:3] if size < 1 << 24 else b"\xfe" + struct.pack("<Q", size)
            row = one.execute(number_of, 0, [BLOB, VAR_STRING], [value + b"z" * size, lenenc("y")], bound=False)["rows"][0]
            assert struct.unpack_from("<q", row, 2) == (size,)


def test_unknown_statements_and_what_has_no_answer(client):
    one = client()
    one.write(bytes([CLOSE]) + struct.pack("<I", 4711), bytes([LONG_DATA]) + struct.pack("<IH", 4711, 0) + b"x", b"\x0e")
    assert one.result()["affected"] == 0
    for command in (statement(4711), bytes([RESET]) + struct.pack("<I", 4711), bytes([FETCH]) + struct.pack("<II", 4711, 1)):
        one.write(command)
        assert error_of(one.result) == 1243
    number_of, _, _ = one.prepare("SELECT 1")
    one.write(bytes([EXECUTE]) + struct.pack("<IBI", number_of, 0, 1))
    one.result()
    one.write(b"\x1f")
    one.result()
    one.write(statement(number_of))
    assert error_of(one.result) == 1243


def test_a_statement_is_prepared_again_where_a_reset_has_come_between(cluster, flavor, wye_binary, tmp_path):
    wye = start_wye(cluster, tmp_path / "wye", "--threads", "1", "--set", "server_max_connections=1")
    try:
        one, other = (WireClient(wye, tls=flavor == "mysql") for _ in range(2))
        number_of, _, _ = one.prepare("SELECT ? + 0 FOR UPDATE")
        for _ in range(10):
            assert longs(one.execute(number_of, 0, [LONGLONG], [number(7)])["rows"][0]) == (7,)
            other.query("CREATE TEMPORARY TABLE in_the_way (n INT)")
            other.query("DROP TEMPORARY TABLE in_the_way")
        one.close()
        other.close()
        wye.finish()
    finally:
        wye.kill()


def test_the_connections_number_and_kill_by_it(client):
    one, other = client(), client()
    number_of, _, _ = one.prepare("SELECT CONNECTION_ID()")
    row = one.execute(number_of)["rows"][0]
    assert int.from_bytes(row[2:], "little") == one.id
    other.execute(other.prepare("KILL QUERY %d" % one.id)[0])
    assert longs(one.execute(one.prepare("SELECT ? + 0")[0], 0, [LONGLONG], [number(1)])["rows"][0]) == (1,)
    other.execute(other.prepare("KILL %d" % one.id)[0])
    with pytest.raises((EOFError, ServerError)):
        one.query("SELECT 1")
    assert error_of(lambda: other.execute(other.prepare("KILL 4294967290")[0])) == 1094


# --- many of them ---

@pytest.fixture
def few_statements(cluster):
    """Servers that have room for 300 prepared statements, of all their connections."""
    roots = [cluster.witness.root(server) for server in cluster.servers]
    sessions = [root.__enter__() for root in roots]
    before = [session.value("SELECT @@max_prepared_stmt_count") for session in sessions]
    for session in sessions:
        session.run("SET GLOBAL max_prepared_stmt_count = 300")
    yield sessions
    for session, count in zip(sessions, before):
        session.run("SET GLOBAL max_prepared_stmt_count = %d" % count)
    for root in roots:
        root.__exit__(None, None, None)


def test_thousands_of_statements_fit_where_few_are_allowed(wye, few_statements, client):
    one, other = client(), client()
    numbers = {}
    for i in range(5000):
        session = (one, other)[i % 2]
        numbers[i] = session.prepare("SELECT ? + %d" % i if i % 5 else "INSERT INTO prepared (n) VALUES (? + %d)" % i)[0]
        session.query("BEGIN" if i % 1000 == 500 else "COMMIT") if i % 500 == 0 else None
    one.query("COMMIT")
    other.query("COMMIT")
    for i in list(range(0, 5000, 13)) + list(range(0, 50)):
        got = (one, other)[i % 2].execute(numbers[i], 0, [LONGLONG], [number(1)])
        if i % 5:
            assert longs(got["rows"][0]) == (i + 1,)
        else:
            assert got["affected"] == 1
    assert all(int(root.row("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")[1]) <= 300 for root in few_statements)
    one.query("DELETE FROM prepared")
