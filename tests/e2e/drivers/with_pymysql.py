"""PyMySQL: the steps of README.md. It has text statements only."""

import hashlib
import os
import ssl

import pymysql
from pymysql.constants import CLIENT

E = {name[8:]: value for name, value in os.environ.items() if name.startswith("WYE_E2E_")}
TABLE = E["TABLE"]


def connect(password=None, **options):
    tls = None
    if E["TLS"] == "1":
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return pymysql.connect(host=E["HOST"], port=int(E["PORT"]), user=E["USER"], password=password or E["PASSWORD"],
                           database=E["DATABASE"], ssl=tls, charset="utf8mb4", autocommit=True,
                           max_allowed_packet=256 << 20, client_flag=CLIENT.MULTI_STATEMENTS, **options)


def dump(cursor):
    print("columns", [d[:2] + d[3:] for d in cursor.description] if cursor.description else None)
    for row in cursor.fetchall():
        for value in row:
            print("  ", repr(value))
        print("  --")


def ask(connection, statement, arguments=None):
    with connection.cursor() as cursor:
        print("affected", cursor.execute(statement, arguments), "id", cursor.lastrowid)
        dump(cursor)


def session(c):
    ask(c, "SELECT DATABASE(), CURRENT_USER(), @@character_set_client, @@collation_connection, @@autocommit, VERSION()")
    print(c.get_server_info(), c.character_set_name(), c.server_language)


def types(c):
    ask(c, "SELECT * FROM all_types ORDER BY id")
    ask(c, "SELECT * FROM known_types ORDER BY id")
    ask(c, "SELECT * FROM all_types WHERE id = %s", [4])


def write(c):
    ask(c, "DROP TABLE IF EXISTS %s" % TABLE)
    ask(c, "CREATE TABLE %s (id INT PRIMARY KEY AUTO_INCREMENT, i BIGINT, d DOUBLE, n DECIMAL(20,5), s TEXT,"
           " b BLOB, t DATETIME(6))" % TABLE)
    insert = "INSERT INTO %s (i, d, n, s, b, t) VALUES (%%s, %%s, %%s, %%s, %%s, %%s)" % TABLE
    ask(c, insert, [-5, 0.25, "1.50000", "Grüße '\\\" \U0001f600", bytes(range(256)), "2024-02-29 01:02:03.000004"])
    ask(c, insert, [None] * 6)
    with c.cursor() as cursor:
        print(cursor.executemany(insert, [[i, i / 2, i, str(i), b"", None] for i in range(50)]), cursor.lastrowid)
    ask(c, "SELECT * FROM %s ORDER BY id" % TABLE)
    ask(c, "UPDATE %s SET i = 1 WHERE id > 40" % TABLE)
    ask(c, "DELETE FROM %s WHERE id > 45" % TABLE)


def transaction(c):
    for end in (c.rollback, c.commit):
        c.begin()
        ask(c, "INSERT INTO %s (i) VALUES (1000)" % TABLE)
        ask(c, "SELECT COUNT(*) FROM %s WHERE i = 1000" % TABLE)
        end()
        ask(c, "SELECT COUNT(*) FROM %s WHERE i = 1000" % TABLE)


def procedure(c):
    with c.cursor() as cursor:
        cursor.callproc("two_sets", [3])
        dump(cursor)
        while cursor.nextset():
            dump(cursor)


def several(c):
    with c.cursor() as cursor:
        cursor.execute("SELECT 1 AS a; UPDATE %s SET i = 7 WHERE id = 1; SELECT i FROM %s WHERE id = 1" % (TABLE, TABLE))
        dump(cursor)
        while cursor.nextset():
            print(cursor.rowcount)
            dump(cursor)


def errors(c):
    for statement in ("INSERT INTO %s (id) VALUES (1)" % TABLE, "SELECT * FROM no_such_table", "SELEKT 1",
                      "SELECT no_such_column FROM all_types", "INSERT INTO no_such_schema.t VALUES (1)"):
        try:
            ask(c, statement)
        except pymysql.MySQLError as error:
            print(type(error).__name__, error.args)
    ask(c, "SELECT 'still there'")


def many(c):
    statement = "SELECT a.id, b.id, c.varchar_255 FROM all_types a, all_types b, all_types c, all_types d, all_types e," \
                " all_types f, all_types g LIMIT 10000"
    for kind in (pymysql.cursors.Cursor, pymysql.cursors.SSCursor):
        with c.cursor(kind) as cursor:
            cursor.execute(statement)
            print(sum(1 for _ in cursor))


def big(c):
    text = "0123456789abcdef" * (4 << 20)
    with c.cursor() as cursor:
        cursor.execute("SELECT %s AS v, 1", [text])
        value, one = cursor.fetchone()
    print(len(value), hashlib.sha256(value.encode()).hexdigest(), one, value == text)


def refused(_):
    try:
        connect("wrong").close()
        print("it was not refused")
    except pymysql.MySQLError as error:
        print(type(error).__name__, error.args)


connection = connect()
for step in E["STEPS"].split(","):
    print("#", step, flush=True)
    globals()[step](connection)
connection.close()
