"""The grammar of random sessions: what a client may say next, with weights.

A rule returns a few lines of a script (script.py). Every sequence draws its rules from a random part of all of them, so
that rules which hide each other's work (a reset, a transaction that never ends) are absent from many sequences. What
is random is the session, never the answer: nothing here depends on the time, on statistics, on other sessions, or on
an order that a server is free to choose. (MySQL's plan for a join, which follows from statistics, shows in the flags of
its columns, unless they are sums.)
"""

import random
import re

from grammar_words import CHARSETS, MODES, NAMES, NOT_READ, VARIABLES, ZONES


class Grammar:
    def __init__(self, flavor, rng):
        self.flavor, self.rng = flavor, rng
        everything = [(rule, weight) for weight, rules in {
            10: [self.read, self.insert, self.update, self.set_variable],
            6: [self.user_variable, self.show, self.user_read, self.begin, self.end, self.last, self.set_mode],
            4: [self.warns, self.prepared, self.executed, self.names, self.zone, self.delete, self.temporary, self.fails,
                self.call, self.diagnostics, self.text_prepared],
            2: [self.savepoint, self.use, self.several, self.function, self.isolation, self.lock, self.autocommit,
                self.user_lock, self.ddl, self.long_data, self.cursor, self.hinted, self.several_variables, self.connection, self.found],
            1: [self.reset, self.locked_tables, self.handler, self.load, self.command, self.view, self.init, self.xa,
                self.change_user, self.option, self.sequence, self.random, self.timestamp, self.schema_gone, self.release],
        }.items() for rule in rules]
        part = rng.choice([0.3, 0.6, 1])
        self.rules = [one for one in everything if rng.random() < part] or everything

    def one(self, *choices):
        return self.rng.choice(choices)

    def by_flavor(self, mariadb, mysql):
        return mariadb if self.flavor == "mariadb" else mysql

    def number(self):
        return self.rng.choice([1, 2, 3, 5, 100, -1, 0])

    def text(self):
        return "'%s'" % self.rng.choice(NAMES)

    def value(self):
        return self.one(str(self.number()), self.text(), "NULL", "@a", "@b", "1.5", "LAST_INSERT_ID()", "0x41", "-2.5e3", "_utf8mb4'y'",
                        "N'z'", "TRUE")

    def where(self):
        return self.one("", " WHERE id=%d" % self.number(), " WHERE n > %d" % self.number(), " WHERE v=%s" % self.text(),
                        " WHERE id=@a", " WHERE id IN (1,3)", " WHERE id=LAST_INSERT_ID()")

    def statement(self):
        rules, weights = zip(*self.rules)
        return self.rng.choices(rules, weights)[0]()

    # --- reads ---

    def read(self):
        return [self.one("SELECT * FROM t%s ORDER BY id" % self.where(), "SELECT COUNT(*), SUM(n) FROM t%s" % self.where(),
                         "SELECT GROUP_CONCAT(v ORDER BY id) FROM t", "SELECT %s, 'x' || 'y'" % self.value(),
                         "SELECT \"text\", 10/3, 'a\\nb'", "SELECT @@sql_mode, @@time_zone, @@group_concat_max_len",
                         "SELECT DATABASE(), @@character_set_client, @@collation_connection", "(SELECT 1) UNION (SELECT 2)",
                         "SELECT id FROM t ORDER BY id LIMIT 1", "SELECT NOW() < '2001-01-01', @@timestamp < 5",
                         "SELECT DAYNAME('2024-01-01'), WEEK('2024-01-01')", "SELECT * FROM u ORDER BY id",
                         "WITH w AS (SELECT 1 AS x) SELECT * FROM w", "SELECT COUNT(*), SUM(t.id + u.id) FROM t JOIN u ON t.id=u.id",
                         "SELECT COLLATION('x'), CHARSET(_latin1'x'), HEX('ü')",
                         "SELECT NOT 1 BETWEEN -5 AND 5, 5 DIV 2", "SELECT * FROM t WHERE id IS NULL", "SELECT v FROM t ORDER BY v, id",
                         "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='{db}' AND table_name='t'",
                         "SELECT @@autocommit, @@transaction_isolation", "SELECT @@character_set_results, @@lc_time_names, @@identity",
                         "SELECT USER() IS NOT NULL, CURRENT_USER(), SCHEMA()", "SELECT /* a comment */ 1 -- and one more",
                         "SELECT * FROM t WHERE v = 'x' UNION ALL SELECT id, v, t FROM u WHERE id > 50 ORDER BY id", "SELECT COUNT (*) FROM t",
                         "!bytes b''", ";", "SELECT 1;", "DO 1", "DO @a:=4", "SELECT MAX(id), MIN(v) FROM t GROUP BY n HAVING COUNT(*) > 5")]

    def show(self):
        return [self.one("SHOW TABLES", "SHOW COLUMNS FROM t", "SHOW CREATE TABLE t", "SHOW VARIABLES LIKE 'sql_mode'",
                         "SHOW VARIABLES LIKE 'character_set_c%'", "DESCRIBE t", "SHOW CREATE VIEW w", "SHOW TABLES LIKE 't%'",
                         "EXPLAIN SELECT * FROM u WHERE id=1", "SHOW DATABASES LIKE '{db}%'", "SHOW CREATE PROCEDURE shows",
                         "SHOW SESSION VARIABLES LIKE 'time_zone'", "SHOW FULL COLUMNS FROM u", "SHOW COLUMNS FROM tt", "SHOW CREATE TABLE tt",
                         "SHOW VARIABLES WHERE variable_name='autocommit'", "SHOW CREATE DATABASE {db}", "SHOW COLLATION LIKE 'latin1_bin'")]

    def last(self):
        return [self.one("SELECT LAST_INSERT_ID()", "SELECT ROW_COUNT()", "SHOW WARNINGS", "SHOW ERRORS", "SHOW COUNT(*) WARNINGS",
                         "SELECT @@warning_count", "SELECT FOUND_ROWS()", "SELECT @@error_count", "SELECT LAST_INSERT_ID(%d)" % self.number(),
                         "SELECT @@last_insert_id, @@identity", "SHOW COUNT(*) ERRORS",
                         "SELECT ROW_COUNT(), LAST_INSERT_ID()", "SET @n=ROW_COUNT()", "SET @n=LAST_INSERT_ID()", "SHOW WARNINGS LIMIT 1",
                         "UPDATE t SET n=LAST_INSERT_ID(n+1) WHERE id=1", "SELECT ROW_COUNT() FROM t LIMIT 1")]

    def found(self):
        """(The count of SQL_CALC_FOUND_ROWS is only with the next statement the session's own: docs/known-differences.md.)"""
        return ["SELECT SQL_CALC_FOUND_ROWS id FROM t ORDER BY id LIMIT 2", "SELECT FOUND_ROWS()"]

    def warns(self):
        return [self.one("SELECT CAST('x' AS SIGNED)", "DROP TABLE IF EXISTS nothing", "SELECT CAST(v AS SIGNED) FROM t", "SELECT 1/0",
                         "INSERT IGNORE INTO t (id, v) VALUES (1, 'again')", "UPDATE t SET n=CAST('2z' AS SIGNED) WHERE id=2",
                         "INSERT INTO t (v) VALUES ('far too long for a column of twenty')", "DO CAST('y' AS SIGNED)",
                         "SELECT CAST('z' AS SIGNED) FROM nothing")] + self.one([], [], ["SHOW WARNINGS"])

    def diagnostics(self):
        return [self.one("GET DIAGNOSTICS @n = NUMBER, @a = ROW_COUNT", "GET DIAGNOSTICS CONDITION 1 @a = MYSQL_ERRNO, @b = MESSAGE_TEXT",
                         "GET DIAGNOSTICS CONDITION 2 @a = RETURNED_SQLSTATE", "SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT='told'", "RESIGNAL",
                         "SHOW ERRORS LIMIT 1")] + self.one([], ["SELECT @a, @b, @n"])

    def fails(self):
        return [self.one("SELECT * FROM nothing", "SELECT nothing FROM t", "SELECT 1 FROM", "INSERT INTO t (id) VALUES (1)",
                         "INSERT INTO nothing VALUES (1)", "USE nothing", "SET sql_mode='NOTHING'", "DROP TABLE nothing",
                         "SIGNAL SQLSTATE '45000'", "CREATE TABLE t (a INT)", "CALL nothing()", "SELECT nothing()", "SELECT (SELECT id FROM t)",
                         "UPDATE t SET id=1", "INSERT INTO t (v, n) VALUES ('first', 1), ('second', 'x')", "SET @a=1, sql_mode='NOTHING'",
                         "SET @a=(SELECT id FROM t)", "CALL sets(1)", "SELECT 1; SELECT 2 FROM", "SELECT EXP(710)",
                         "INSERT INTO t (id, v) VALUES (NULL, 'auto'), (1, 'taken')", "SET time_zone='nowhere'", "SET autocommit=7",
                         "KILL QUERY 0", "EXECUTE nothing", "ROLLBACK TO nothing", "SELECT * FROM t FOR", "CREATE DATABASE {db}",
                         "SET SESSION TRANSACTION ISOLATION LEVEL NOTHING", "ALTER TABLE u DROP COLUMN nothing")]

    # --- writes ---

    def insert(self):
        return [self.one("INSERT INTO t (v) VALUES (%s)" % self.text(), "INSERT INTO t (v, n) VALUES ('x', 1), ('y', 2)",
                         "INSERT INTO t (id, v) VALUES (%d, 'own')" % self.rng.randrange(50, 60), "INSERT INTO g (v) VALUES (%d)" % self.number(),
                         "INSERT INTO u (t) VALUES (LAST_INSERT_ID())", "REPLACE INTO t (id, v) VALUES (2, 'replaced')",
                         "INSERT INTO t (v) SELECT v FROM u", "INSERT INTO t (id, v) VALUES (1, 'd') ON DUPLICATE KEY UPDATE n=9",
                         "INSERT INTO t (v, n) VALUES (%s, %s)" % (self.text(), self.value()), "INSERT INTO t SET v=@b, n=@a",
                         "INSERT INTO t (v) VALUES (DATABASE()), (@@time_zone)", "INSERT INTO t (n) SELECT COUNT(*) FROM t",
                         "INSERT INTO t (id, v) VALUES (1, 'd') ON DUPLICATE KEY UPDATE id=LAST_INSERT_ID(id), n=8")]

    def update(self):
        """(Where nothing can be found, id=NULL, MySQL leaves FOUND_ROWS() as it was, which no answer tells.)"""
        where = self.where()
        return ["UPDATE t SET %s=%s%s" % (self.one("v", "n"), self.value(), where if "@" not in where else self.by_flavor(where, ""))]

    def delete(self):
        return [self.one("DELETE FROM t WHERE id=%d" % self.rng.randrange(60), "DELETE FROM t ORDER BY id DESC LIMIT 1", "DELETE FROM u",
                         "DELETE t FROM t JOIN u ON t.id=u.id WHERE u.id=1 AND t.id=1")]

    def ddl(self):
        return [self.one("ALTER TABLE u ADD COLUMN c%d INT" % self.rng.randrange(3), "CREATE TABLE IF NOT EXISTS x (a INT)",
                         "DROP TABLE IF EXISTS x", "TRUNCATE u", "CREATE INDEX i ON u (t)", "CREATE TABLE x AS SELECT id, v FROM t",
                         "INSERT INTO x (a) VALUES (1)", "SELECT * FROM x", "RENAME TABLE x TO y", "DROP TABLE IF EXISTS y, x",
                         "CREATE TABLE x LIKE t", "ALTER TABLE x ADD COLUMN more INT", "ANALYZE TABLE u", "CHECK TABLE t", "ALTER TABLE x RENAME y",
                         "DROP PROCEDURE IF EXISTS own", "CREATE PROCEDURE own() SELECT 'own'", "CALL own()")]

    def view(self):
        return ["CREATE OR REPLACE VIEW w AS SELECT id, v FROM t WHERE id < 4", "SELECT * FROM w ORDER BY id",
                "UPDATE w SET v='viewed' WHERE id=1"]

    # --- state ---

    def assignment(self):
        name = self.rng.choice(sorted(VARIABLES))
        return name, "%s%s=%s" % (self.one("", "SESSION ", "@@", "@@session.", "@@local."), name, self.rng.choice(VARIABLES[name]))

    def set_variable(self):
        name, text = self.assignment()
        return ["SET " + text] + self.one([], ["SELECT @@" + name] if name not in NOT_READ else [])

    def several_variables(self):
        (one, first), (other, second) = self.assignment(), self.assignment()
        if "session_track" in one + other:  # what the SET that turns it on reports of its other parts depends on their order
            return ["SET " + first]
        read = [name for name in (one, other) if name not in NOT_READ] or ["sql_mode"]
        return ["SET %s, %s, %s" % (first, self.one("@a=3", "@b='set'", "@a=@@" + read[0]), second)] + \
            self.one([], ["SELECT @a, @b"], ["SELECT " + ", ".join("@@" + name for name in read)])

    def set_mode(self):
        mode = self.rng.choice(MODES)
        return [self.one("SET sql_mode='%s'" % mode, "SET SESSION sql_mode='%s'" % mode, "SET sql_mode=CONCAT(@@sql_mode,',ANSI_QUOTES')",
                         "SET sql_mode=DEFAULT", "SET sql_mode='%s', time_zone='+05:00'" % mode, "SET @@sql_mode='%s'" % mode,
                         "SET sql_mode=REPLACE(@@sql_mode,'STRICT_TRANS_TABLES','')", "SET @b=@@sql_mode, sql_mode=''", "SET sql_mode=@b")]

    def zone(self):
        return [self.one("SET time_zone='%s'" % self.rng.choice(ZONES), "SET time_zone=@@global.time_zone", "SET time_zone=DEFAULT",
                         "SET @@time_zone='+01:00'", "SET @b='+03:00', time_zone=@b")] + self.one([], ["SELECT @@time_zone, FROM_UNIXTIME(0)"])

    def names(self):
        return [self.one("SET NAMES %s", "SET NAMES %s", "SET CHARACTER SET %s") % self.rng.choice(CHARSETS)]

    def isolation(self):
        return [self.one("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                         "SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE", "SET TRANSACTION READ ONLY",
                         "SET TRANSACTION READ WRITE", "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED, READ ONLY",
                         "SET transaction_read_only=1", "SET transaction_read_only=DEFAULT")]

    def use(self):
        return [self.one("USE {db}", "CREATE DATABASE IF NOT EXISTS {db}_b", "USE {db}_b", "USE {db}", "DROP DATABASE IF EXISTS {db}_b")] + \
            self.one([], ["SELECT DATABASE()"])

    def schema_gone(self):
        return ["CREATE DATABASE IF NOT EXISTS {db}_b", "USE {db}_b", "DROP DATABASE {db}_b"] + \
            self.one(["SELECT * FROM t"], ["SHOW TABLES"], ["SELECT DATABASE()"], ["INSERT INTO t (v) VALUES ('x')"], ["SET @a=1"],
                     ["CREATE TABLE x (a INT)"], ["!fields t"]) + self.one([], ["USE {db}"], ["CREATE DATABASE {db}_b"])

    def init(self):
        return [self.one("!init {db}", "!init {db}", "!init nothing", "!init {db}_b")]

    def autocommit(self):
        return [self.one("SET autocommit=0", "SET autocommit=1", "SET autocommit=1", "SET @@autocommit=OFF", "SET autocommit=DEFAULT")] + \
            self.one([], ["SELECT @@autocommit"])

    def user_variable(self):
        return [self.one("SET @a=%s" % self.value(), "SET @b=%s, @a=3" % self.value(), "SET @a=@a+1", "SELECT @a:=%d" % self.number(),
                         "SELECT id, v INTO @a, @b FROM t WHERE id=%d" % self.number(), "SET @b=(SELECT COUNT(*) FROM t)",
                         "SET @b=_latin1'x'", "SET @a=CONCAT('x', @b)", "SET @a:=1.50, @b=@a", "SET @`a`=9", "SET @A='upper'", "SET @b=NULL",
                         "SELECT @a:=@a+1 FROM t", "UPDATE t SET n=(@a:=7) WHERE id=1", "SET @n=@@max_error_count", "SELECT 5 INTO @n",
                         "SELECT v INTO @b FROM t", "SET @a=UNIX_TIMESTAMP('2024-01-01')", "SET @a=0xFF, @b=b'101'", "SET @b='a\\'b', @a='ü'",
                         "SET @a=CAST(5 AS UNSIGNED), @b=1e10", "SET @a=DATE'2024-02-03'")]

    def user_read(self):
        return [self.one("SELECT @a, @b", "SELECT @a", "SELECT * FROM t WHERE id=@a", "SELECT CHARSET(@b), @b", "SELECT @a IS NULL",
                         "SELECT @g, @n", "SELECT COLLATION(@a), COERCIBILITY(@b)", "SELECT @a + 1, CONCAT(@b, 'x')", "SELECT HEX(@a)")]

    # --- transactions and locks ---

    def begin(self):
        return [self.one("BEGIN", "START TRANSACTION", "START TRANSACTION", "START TRANSACTION READ ONLY", "START TRANSACTION READ WRITE",
                         "START TRANSACTION WITH CONSISTENT SNAPSHOT", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")]

    def end(self):
        return [self.one("COMMIT", "ROLLBACK", "COMMIT", "COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "COMMIT AND NO CHAIN")]

    def savepoint(self):
        return [self.one("SAVEPOINT s", "ROLLBACK TO s", "RELEASE SAVEPOINT s")]

    def lock(self):
        return ["SELECT * FROM t WHERE id=1 " + self.one("FOR UPDATE", "LOCK IN SHARE MODE", "FOR UPDATE SKIP LOCKED")]

    def user_lock(self):
        return [self.one("SELECT GET_LOCK('{lock}', 0)", "SELECT RELEASE_LOCK('{lock}')", "SELECT IS_FREE_LOCK('{lock}')",
                         "DO RELEASE_ALL_LOCKS()", "SELECT GET_LOCK('{lock}2', 0)", "SELECT IS_USED_LOCK('{lock}') = CONNECTION_ID()",
                         "SELECT RELEASE_ALL_LOCKS()", "SET @a=GET_LOCK('{lock}', 0)")]

    def locked_tables(self):
        return [self.one("LOCK TABLES t WRITE, u READ", "LOCK TABLES t READ"), "SELECT COUNT(*) FROM t"] + \
            self.one([], ["INSERT INTO t (v) VALUES ('locked')"], ["SELECT COUNT(*) FROM g"], ["BEGIN"], ["COMMIT"]) + \
            ["SELECT COUNT(*) FROM u"] + self.one([], ["UNLOCK TABLES"])

    def handler(self):
        return ["HANDLER u OPEN", "HANDLER u READ FIRST"] + self.one([], ["SELECT COUNT(*) FROM t"], ["INSERT INTO u (t) VALUES (5)"]) + \
            ["HANDLER u READ NEXT"] + self.one([], ["HANDLER u CLOSE"])

    def xa(self):
        name = "'{xa}'"
        inside = self.one([], ["SELECT COUNT(*) FROM t"], ["UPDATE t SET n=99 WHERE id=2"], ["INSERT INTO t (v) VALUES ('xa')"], ["BEGIN"])
        return ["XA START " + name] + inside + ["XA END " + name] + self.one(
            ["XA COMMIT %s ONE PHASE" % name], ["XA PREPARE " + name, "XA COMMIT " + name], ["XA ROLLBACK " + name],
            ["XA PREPARE " + name, "XA ROLLBACK " + name], ["SELECT 1", "XA ROLLBACK " + name])

    def release(self):
        return [self.one("COMMIT RELEASE", "ROLLBACK RELEASE")] if self.rng.random() < 0.2 else ["COMMIT NO RELEASE"]

    # --- tables of the session ---

    def temporary(self):
        name = self.one("tt", "tt", "tt", "t", "u")
        return self.one(["CREATE TEMPORARY TABLE %s (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(9), n INT)" % name],
                        ["INSERT INTO tt (v) VALUES ('temp')", "SELECT * FROM tt"], ["SELECT COUNT(*) FROM tt"],
                        ["DROP TEMPORARY TABLE IF EXISTS %s" % name], ["INSERT INTO t (v) SELECT v FROM tt"],
                        ["CREATE TEMPORARY TABLE tt AS SELECT id, v, n FROM t"], ["CREATE TEMPORARY TABLE IF NOT EXISTS tt LIKE t"],
                        ["DROP TABLE IF EXISTS tt"], ["ALTER TABLE tt ADD COLUMN more INT"], ["TRUNCATE tt"], ["UPDATE tt SET n=4"],
                        ["ALTER TABLE tt RENAME ttt", "SELECT COUNT(*) FROM ttt"], ["DROP TEMPORARY TABLE tt"])

    # --- several at once, routines ---

    def several(self):
        return [self.one("SELECT 1; SELECT 2", "INSERT INTO t (v) VALUES ('m'); SELECT LAST_INSERT_ID()", "SET @a=5; SELECT @a",
                         "SELECT 1; SELECT nothing; SELECT 3", "SET time_zone='+01:00'; SELECT @@time_zone", "BEGIN; UPDATE t SET n=7; COMMIT",
                         "START TRANSACTION READ ONLY; SELECT COUNT(*) FROM t", "USE {db}; SHOW TABLES", "SET sql_mode='ANSI_QUOTES'; SELECT \"id\" FROM t LIMIT 1",
                         "CREATE TEMPORARY TABLE tt (id INT, v VARCHAR(9), n INT); INSERT INTO tt VALUES (1, 'm', 1)", "SELECT 1; DO 0",
                         "SET group_concat_max_len=50; SELECT nothing", "COMMIT; BEGIN", "SET NAMES latin1; SELECT 'ü'",
                         "PREPARE p FROM 'SELECT 9'; EXECUTE p", "INSERT INTO t (v) VALUES ('n'); SELECT 1; SELECT ROW_COUNT()")]

    def call(self):
        return [self.one("CALL shows()", "CALL writes('called')", "CALL sets(7, @a)", "CALL signals()", "CALL shows(); SELECT 1", "CALL tunes(60)",
                         "CALL tunes(5)", "CALL zones()", "CALL keeps()", "CALL begins()", "CALL prepares()", "CALL warns()", "CALL writes(@b)")]

    def function(self):
        return [self.one("SELECT twice(4)", "SELECT total()", "SELECT enters('f')", "SELECT twice(n) FROM t ORDER BY id", "SELECT notes(8), @a",
                         "DO notes(6)", "SET @b=twice(3)", "UPDATE t SET n=twice(n)", "SELECT * FROM t WHERE n=notes(10)")]

    def sequence(self):
        """(Ahead of a DEFAULT that takes a value somebody asks for one, so that the session is known to.)"""
        return self.by_flavor(self.one(["SELECT NEXTVAL(q)"], ["SELECT NEXT VALUE FOR q"], ["SELECT SETVAL(q, 50)"], ["SELECT LASTVAL(q)"],
                                       ["SELECT NEXTVAL(q)", "SELECT LASTVAL(q)"], ["SELECT PREVIOUS VALUE FOR q, LASTVAL(r)"],
                                       ["SELECT NEXTVAL(r), LASTVAL(q)"], ["SET @a=LASTVAL(r)", "SELECT @a"],
                                       ["SELECT LASTVAL(r)", "INSERT INTO s (n) VALUES (1)", "SELECT LASTVAL(r)"],
                                       ["INSERT INTO t (n) VALUES (NEXTVAL(q))"], ["INSERT INTO t (v) VALUES ('r') RETURNING id"]),
                              [self.one("TABLE u ORDER BY id", "VALUES ROW(1, 2)", "TABLE t ORDER BY id LIMIT 1", "SELECT * FROM t WHERE id=1 FOR SHARE")])

    def hinted(self):
        return [self.one("SELECT /* wye: primary */ COUNT(*) FROM t", "/* wye: replica */ SELECT COUNT(*) FROM t",
                         "/* wye: consistency=primary */ SELECT @@sql_mode", self.by_flavor(
                             self.one("SET STATEMENT group_concat_max_len=4 FOR SELECT GROUP_CONCAT(v ORDER BY id) FROM t",
                                      "SET STATEMENT sql_mode='ANSI_QUOTES' FOR SELECT \"id\" FROM t ORDER BY 1",
                                      "SET STATEMENT div_precision_increment=9 FOR INSERT INTO t (v) VALUES ('s')",
                                      "BEGIN NOT ATOMIC SET @a=12; SELECT @a; END", "EXECUTE IMMEDIATE 'SELECT COUNT(*) FROM t'",
                                      "EXECUTE IMMEDIATE 'SET @b=''immediate'''"),
                             self.one("SELECT /*+ SET_VAR(group_concat_max_len=4) */ GROUP_CONCAT(v ORDER BY id) FROM t",
                                      "INSERT /*+ SET_VAR(foreign_key_checks=OFF) */ INTO t (v) VALUES ('s')",
                                      "SELECT /*+ SET_VAR(sql_select_limit=1) */ id FROM t ORDER BY id",
                                      "SELECT /*+ MAX_EXECUTION_TIME(9000) */ COUNT(*) FROM t"))),
                "SELECT @@group_concat_max_len, @@sql_mode, @@sql_select_limit"][:self.one(1, 2)]

    def timestamp(self):
        return ["SET timestamp=" + self.one("1700000000", "DEFAULT", "1600000000.5", "1500000000")] + \
            self.one([], ["SELECT NOW() < '2024-01-01'"], ["SELECT @@timestamp < 1750000000"])

    def random(self):
        return ["SET %s=%d" % (self.one("rand_seed1", "rand_seed2"), self.number() + 5), "SELECT RAND() < 2"]

    def load(self):
        return ["!file b'5,five\\n6,six\\n'", "LOAD DATA LOCAL INFILE 'f' INTO TABLE t FIELDS TERMINATED BY ',' (n, v)"]

    # --- prepared statements ---

    def text_prepared(self):
        return self.one(["PREPARE p FROM 'SELECT v FROM t WHERE id = ?'"], ["SET @id=1", "EXECUTE p USING @id"],
                        ["PREPARE p FROM 'UPDATE t SET n = n + 1'"], ["EXECUTE p"], ["DEALLOCATE PREPARE p"], ["EXECUTE p"],
                        ["PREPARE p FROM 'SELECT COUNT(*) FROM t'", "EXECUTE p"], ["PREPARE p FROM 'SET @b=''from p'''", "EXECUTE p"],
                        ["PREPARE p FROM 'SELECT nothing FROM'"], ["SET @s='SELECT @@sql_mode'", "PREPARE p FROM @s", "EXECUTE p"],
                        ["PREPARE p FROM 'SET sql_mode=?'", "SET @s='ANSI'", "EXECUTE p USING @s"], ["DROP PREPARE p"],
                        ["PREPARE p FROM 'CREATE TEMPORARY TABLE tt (id INT, v INT, n INT)'", "EXECUTE p", "SELECT * FROM tt"],
                        ["PREPARE r FROM 'INSERT INTO t (v) VALUES (?)'", "EXECUTE r USING @b"])

    def prepared(self):
        name, text = self.one(("a", "SELECT v FROM t WHERE id = ?"), ("b", "INSERT INTO t (v) VALUES (?)"), ("c", "SELECT COUNT(*) FROM t"),
                              ("d", "UPDATE t SET n = ? WHERE id = 1"), ("e", "SELECT LAST_INSERT_ID(), @a"), ("f", "SET @b = ?"),
                              ("g", "SET time_zone = ?"), ("h", "CALL sets(?, @b)"), ("i", "SELECT @@sql_mode, DATABASE()"), ("j", "COMMIT"),
                              ("m", "SELECT * FROM nothing"), ("n", "SELECT ?, @b"), ("o", "CALL shows()"), ("q", "SELECT ROW_COUNT()"),
                              ("r", "SET autocommit = 0"), ("s", "CREATE TEMPORARY TABLE tt (id INT, v VARCHAR(9), n INT)"),
                              ("u", "SELECT * FROM tt"), ("v", "DELETE FROM t WHERE id > ?"), ("w", "SELECT twice(?)"), ("x", "SHOW WARNINGS"))
        return ["!prepare %s %s" % (name, text)] + self.one([], ["!execute %s %s" % (name, "5" if "?" in text else "()")])

    def executed(self):
        return ["!execute " + self.one("a 1", "a 2", "b 'bound'", "b None", "c", "c", "d 4", "e", "f 'x'", "g '+04:00'", "h 3", "i", "j", "n 1.5",
                                       "n 'text'", "o", "q", "u", "v 50", "w 2", "x")] if self.rng.random() < 0.8 else [
            self.one("!execute-untyped a 1", "!reset-statement a", "!close a", "!close c", "!reset-statement b")]

    def long_data(self):
        return ["!prepare l SELECT LENGTH(?)", "!long l 0 b'abc'"] + self.one([], ["SELECT 1"]) + ["!execute l b''"]

    def cursor(self):
        return ["!prepare k SELECT id FROM t ORDER BY id", "!open k", "!fetch k 1"] + self.one(
            [], ["SELECT 'between'"], ["UPDATE u SET t=1"], ["COMMIT"]) + ["!fetch k 50"] + self.one([], ["!close k"], ["!reset-statement k"])

    # --- commands ---

    def reset(self):
        return ["!reset"] + self.one([], ["SET NAMES utf8mb4"])

    def change_user(self):
        return ["!change-user app " + self.one("{db}", "{db}", "")]

    def option(self):
        return [self.one("!option 0", "!option 1"), "SELECT 1; SELECT 2"]

    def command(self):
        return [self.one("!ping", "!fields u", "!fields t", "!fields nothing")]

    def connection(self):
        return [self.one("KILL QUERY {id:a}", "SELECT CONNECTION_ID() = CONNECTION_ID(), @a", "SELECT CONNECTION_ID() > 0 FROM t LIMIT 1",
                         "KILL QUERY CONNECTION_ID()")]


# What may have changed rows, and what leaves their count where it is.
CHANGES_ROWS = re.compile(r"(INSERT|UPDATE|DELETE|REPLACE|LOAD|CREATE|DROP|TRUNCATE|ALTER|RENAME|CALL|EXECUTE|SET STATEMENT|BEGIN NOT|!execute)|.*; ")
LEAVES_COUNT = re.compile(r"!(prepare|ping|close|fields|init|file|long|option|bytes)|GET|KILL|;")


def ask_alone(steps):
    """How many rows a statement has changed no other connection can be made to tell: beside something else that is only asked
    for behind what changes none (docs/known-differences.md)."""
    asked, changed = [], False
    for step in steps:
        beside = re.search(r"ROW_COUNT\b", step) and not step.startswith(("!prepare", "INSERT"))
        if changed and (beside or step.startswith("!execute q")):
            step = "SELECT ROW_COUNT()"
        asked.append(step)
        if not LEAVES_COUNT.match(step):
            changed = bool(CHANGES_ROWS.match(step))
    return asked


def sentences(flavor, seed, number, length):
    """The statements of a sequence, and whether its client speaks the newer protocol."""
    rng = random.Random("%s %d" % (seed, number))
    grammar = Grammar(flavor, rng)
    modern, steps = rng.random() < 0.5, []
    while len(steps) < length:
        steps += grammar.statement()
    if "!change-user app " in steps:  # MariaDB gives no answer to COM_FIELD_LIST without a schema
        steps = [step if not step.startswith("!fields") else "!ping" for step in steps]
    # What a CALL, or a cursor, leaves as FOUND_ROWS() no answer tells (docs/known-differences.md).
    if any("CALL" in step or step.startswith(("!change-user", "!open")) for step in steps):
        steps = ["SELECT 1" if step == "SELECT FOUND_ROWS()" else step for step in steps]
    steps = ask_alone(steps)
    # Who wants to be told of every change of state is not, of a CALL that fails (docs/known-differences.md).
    if "session_track_state_change=ON" in "".join(steps):
        steps = ["CALL shows()" if step in ("CALL signals()", "CALL tunes(5)") else step for step in steps]
    # What is the server's and not the schema's has a name of its own: sessions end some time after their clients.
    own = "{db}n%d" % number
    return [step.replace("{lock}", own).replace("{xa}", own) for step in steps], modern
