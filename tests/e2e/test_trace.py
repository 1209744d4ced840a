"""SET @wye_trace = 1: every answer tells, as a note among its warnings, which server gave it and why."""

import re

import pytest

from wire_client import LONGLONG, Reader, ServerError, USUAL, DEPRECATE_EOF


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.traced (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
    cluster.wait_caught_up()


@pytest.fixture(params=["eof", "ok"])
def traced(request, client):
    caps = USUAL & ~DEPRECATE_EOF if request.param == "eof" else USUAL | DEPRECATE_EOF
    one = client(caps=caps)
    one.query("SET @wye_trace = 1")
    return one


def warnings(one):
    """Rows of SHOW WARNINGS as (level, code, text)."""
    rows = []
    for row in one.query("SHOW WARNINGS")["rows"]:
        reader = Reader(row)
        rows.append((reader.text().decode(), int(reader.text()), reader.text().decode()))
    return rows


def note(one):
    level, code, text = warnings(one)[-1]
    assert (level, code) == ("Note", 1105)
    return text


def test_a_read_tells_the_replica_that_answered(traced, cluster):
    for _ in range(6):
        answer = traced.query("SELECT name FROM whoami")
        name = Reader(answer["rows"][0]).text().decode()
        assert answer["warnings"] == 1
        text = note(traced)
        server = cluster.server(name)
        assert text.startswith("wye: server=%s route=" % server.address) and server is not cluster.primary
        assert "route=replica reason=read" in text
        assert note(traced) == text  # it stays until another statement


def test_a_write_tells_the_primary(traced, cluster):
    answer = traced.query("INSERT INTO traced (v) VALUES (1)")
    assert (answer["affected"], answer["warnings"]) == (1, 1)
    assert note(traced) == "wye: server=%s route=primary reason=write" % cluster.primary.address


def test_the_servers_own_warnings_are_there_too(traced):
    answer = traced.query("SELECT CAST('x' AS SIGNED), CAST('y' AS SIGNED)")
    assert answer["warnings"] == 3
    rows = warnings(traced)
    assert [code for _, code, _ in rows] == [1292, 1292, 1105]


def test_an_error_is_told_of_as_well(traced, cluster):
    with pytest.raises(ServerError) as error:
        traced.query("INSERT INTO traced (nothing) VALUES (1)")
    assert error.value.code == 1054
    rows = warnings(traced)
    assert rows[0][:2] == ("Error", 1054) and cluster.primary.address in rows[-1][2]


def test_what_wye_answers_itself_says_so(traced):
    assert traced.query("BEGIN")["warnings"] == 1
    assert note(traced) == "wye: answered by wye itself, route=primary reason=begin"
    traced.query("SELECT v FROM traced LIMIT 1")
    assert "reason=in-transaction" in note(traced)
    traced.query("COMMIT")


def test_prepared_statements_tell_too(traced):
    number, _, _ = traced.prepare("SELECT name FROM whoami")
    assert traced.execute(number)["warnings"] == 1
    assert "reason=read" in note(traced)


@pytest.mark.flavor("mariadb")
def test_show_warnings_may_be_prepared_too(traced):
    traced.query("SELECT name FROM whoami")
    number, _, _ = traced.prepare("SHOW WARNINGS")
    row = Reader(traced.execute(number)["rows"][-1])
    assert row.take(2) == b"\0\0"
    assert row.text() == b"Note" and row.number(4) == 1105 and b"reason=read" in row.text()


def test_a_refusal_that_was_healed_is_told(traced, cluster, client):
    traced.query("CREATE TABLE traced_new (id INT)")
    try:
        traced.query("SELECT * FROM traced_new")
        assert re.search(r"route=(replica|primary) reason=", note(traced))
    finally:
        traced.query("DROP TABLE traced_new")


def test_without_it_nothing_is_added(client):
    one = client()
    assert one.query("SELECT name FROM whoami")["warnings"] == 0
    assert warnings(one) == []
    one.query("SET @wye_trace = 1")
    assert one.query("SELECT 1")["warnings"] == 1
    one.query("SET @wye_trace = 0")
    assert one.query("SELECT 1")["warnings"] == 0
    assert warnings(one) == []
    assert one.query("SELECT 1")["warnings"] == 0
