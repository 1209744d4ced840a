#!/usr/bin/env python3
"""Random sessions from a weighted grammar, played on the primary and through wye, until their answers differ.

    tests/e2e/generator.py --flavor mariadb|mysql [--count N] [--seed S] [--length N] [--at-once N]

Starts a cluster and a wye that gives sessions another connection at every statement. The seed is printed; sequence i
of a seed is always the same. For one that differs the shortest prefix that still differs is printed, as a script
(script.py).
"""

import argparse
import concurrent.futures
import itertools
import pathlib
import random
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "servers")]

from script import TABLE, Script, difference  # noqa: E402

NAMES = ["one", "two", "it''s", "ü", "", "a b", "back\\\\slash", "100%"]
MODES = ["", "ANSI_QUOTES", "PIPES_AS_CONCAT", "NO_BACKSLASH_ESCAPES", "STRICT_ALL_TABLES", "STRICT_TRANS_TABLES",
         "TRADITIONAL", "ANSI", "NO_UNSIGNED_SUBTRACTION"]
ZONES = ["+00:00", "+02:00", "-08:00", "+13:45", "SYSTEM"]
CHARSETS = ["utf8mb4", "latin1", "utf8mb4 COLLATE utf8mb4_bin", "gbk", "ascii", "DEFAULT"]
VARIABLES = {"group_concat_max_len": ["4", "100", "DEFAULT"], "sql_select_limit": ["1", "2", "DEFAULT"],
             "sql_safe_updates": ["0", "1"], "foreign_key_checks": ["0", "1"], "div_precision_increment": ["2", "7"],
             "lc_time_names": ["'de_DE'", "'en_US'"], "auto_increment_increment": ["1", "3", "DEFAULT"],
             "default_week_format": ["0", "3"], "max_error_count": ["0", "1", "DEFAULT"], "sql_notes": ["0", "1"],
             "timestamp": ["1700000000", "DEFAULT"], "innodb_lock_wait_timeout": ["1", "DEFAULT"],
             "no_such_variable": ["1"], "unique_checks": ["0", "1"], "character_set_results": ["latin1", "utf8mb4", "NULL"]}


class Grammar:
    """Each method is a rule: it returns the lines of a script. Weights are how often a rule is chosen."""

    def __init__(self, flavor, rng):
        self.flavor, self.rng = flavor, rng
        self.rules = [(rule, weight) for weight, rules in {
            10: [self.read, self.read, self.insert, self.update, self.set_variable],
            6: [self.user_variable, self.show, self.user_read, self.begin, self.end, self.last, self.set_mode],
            4: [self.warns, self.prepared, self.executed, self.names, self.zone, self.delete, self.temporary, self.fails],
            2: [self.savepoint, self.use, self.text_prepared, self.several, self.call, self.function, self.isolation,
                self.lock, self.autocommit, self.user_lock, self.ddl, self.long_data, self.cursor, self.sequence],
            1: [self.reset, self.locked_tables, self.handler, self.load, self.command, self.view, self.init],
        }.items() for rule in rules]
        self.temporaries, self.statements = 0, 0

    def one(self, *choices):
        return self.rng.choice(choices)

    def number(self):
        return self.rng.choice([1, 2, 3, 5, 100, -1, 0])

    def text(self):
        return "'%s'" % self.rng.choice(NAMES)

    def value(self):
        return self.one(str(self.number()), self.text(), "NULL", "@a", "@b", "1.5", "LAST_INSERT_ID()", "0x41")

    def where(self):
        return self.one("", " WHERE id=%d" % self.number(), " WHERE n > %d" % self.number(), " WHERE v=%s" % self.text(),
                        " WHERE id=@a", " WHERE id IN (1,3)")

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
                         "WITH w AS (SELECT 1 AS x) SELECT * FROM w", "SELECT t.id, u.id FROM t JOIN u ON t.id=u.id")]

    def show(self):
        return [self.one("SHOW TABLES", "SHOW COLUMNS FROM t", "SHOW CREATE TABLE u", "SHOW VARIABLES LIKE 'sql_mode'",
                         "SHOW VARIABLES LIKE 'character_set_c%'", "SHOW INDEX FROM u", "DESCRIBE t",
                         "EXPLAIN SELECT * FROM u WHERE id=1", "SHOW DATABASES LIKE '{db}'")]

    def last(self):
        return [self.one("SELECT LAST_INSERT_ID()", "SELECT ROW_COUNT()", "SHOW WARNINGS", "SHOW ERRORS",
                         "SHOW COUNT(*) WARNINGS", "SELECT @@warning_count", "SELECT FOUND_ROWS()", "SELECT @@error_count",
                         "SELECT LAST_INSERT_ID(%d)" % self.number())]

    def warns(self):
        return [self.one("SELECT CAST('x' AS SIGNED)", "DROP TABLE IF EXISTS nothing", "SELECT CAST(v AS SIGNED) FROM t",
                         "INSERT IGNORE INTO t (id, v) VALUES (1, 'again')")] + self.one([], ["SHOW WARNINGS"])

    def fails(self):
        return [self.one("SELECT * FROM nothing", "SELECT nothing FROM t", "SELECT 1 FROM", "INSERT INTO t (id) VALUES (1)",
                         "INSERT INTO nothing VALUES (1)", "USE nothing", "SET sql_mode='NOTHING'", "DROP TABLE nothing",
                         "SIGNAL SQLSTATE '45000'", "CREATE TABLE t (a INT)", "CALL nothing()", "SELECT nothing()")]

    # --- writes ---

    def insert(self):
        return [self.one("INSERT INTO t (v) VALUES (%s)" % self.text(), "INSERT INTO t (v, n) VALUES ('x', 1), ('y', 2)",
                         "INSERT INTO t (id, v) VALUES (%d, 'own')" % self.rng.randrange(50, 60),
                         "INSERT INTO u (t) VALUES (LAST_INSERT_ID())", "REPLACE INTO t (id, v) VALUES (2, 'replaced')",
                         "INSERT INTO t (v) SELECT v FROM u", "INSERT INTO t (id, v) VALUES (1, 'd') ON DUPLICATE KEY UPDATE n=9",
                         "INSERT INTO t (v, n) VALUES (%s, %s)" % (self.text(), self.value()))]

    def update(self):
        return ["UPDATE t SET %s=%s%s" % (self.one("v", "n"), self.value(), self.where())]

    def delete(self):
        return ["DELETE FROM t WHERE id=%d" % self.rng.randrange(60)]

    def ddl(self):
        return [self.one("ALTER TABLE u ADD COLUMN c%d INT" % self.rng.randrange(3), "CREATE TABLE IF NOT EXISTS x (a INT)",
                         "DROP TABLE IF EXISTS x", "TRUNCATE u", "CREATE INDEX i ON u (t)")]

    def view(self):
        return ["CREATE OR REPLACE VIEW w AS SELECT id, v FROM t WHERE id < 4", "SELECT * FROM w ORDER BY id",
                "UPDATE w SET v='viewed' WHERE id=1"]

    # --- state ---

    def set_variable(self):
        name = self.rng.choice(sorted(VARIABLES))
        return [self.one("SET %s=%s", "SET SESSION %s=%s", "SET @@%s=%s", "SET @@session.%s=%s")
                % (name, self.rng.choice(VARIABLES[name]))] + self.one([], ["SELECT @@" + name])

    def set_mode(self):
        mode = self.rng.choice(MODES)
        return [self.one("SET sql_mode='%s'" % mode, "SET SESSION sql_mode='%s'" % mode,
                         "SET sql_mode=CONCAT(@@sql_mode,',ANSI_QUOTES')", "SET sql_mode=DEFAULT",
                         "SET sql_mode='%s', time_zone='+05:00'" % mode)]

    def zone(self):
        return ["SET time_zone='%s'" % self.rng.choice(ZONES), "SELECT @@time_zone, FROM_UNIXTIME(0)"]

    def names(self):
        return [self.one("SET NAMES %s", "SET NAMES %s", "SET CHARACTER SET %s") % self.rng.choice(CHARSETS).split(" ")[0]]

    def isolation(self):
        return [self.one("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                         "SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE", "SET TRANSACTION READ ONLY")]

    def use(self):
        return [self.one("USE {db}", "CREATE DATABASE IF NOT EXISTS {db}_b", "USE {db}_b", "USE {db}", "DROP DATABASE IF EXISTS {db}_b"),
                "SELECT DATABASE()"]

    def init(self):
        return ["!init {db}"]

    def autocommit(self):
        return [self.one("SET autocommit=0", "SET autocommit=1", "SET autocommit=1"), "SELECT @@autocommit"]

    def user_variable(self):
        return [self.one("SET @a=%s" % self.value(), "SET @b=%s, @a=3" % self.value(), "SET @a=@a+1", "SELECT @a:=%d" % self.number(),
                         "SELECT id, v INTO @a, @b FROM t WHERE id=%d" % self.number(), "SET @b=(SELECT COUNT(*) FROM t)",
                         "SET @b=_latin1'x'", "SET @a=CONCAT('x', @b)")]

    def user_read(self):
        return [self.one("SELECT @a, @b", "SELECT @a", "SELECT * FROM t WHERE id=@a", "SELECT CHARSET(@b), @b", "SELECT @a IS NULL")]

    # --- transactions and locks ---

    def begin(self):
        return [self.one("BEGIN", "START TRANSACTION", "START TRANSACTION", "START TRANSACTION READ ONLY",
                         "START TRANSACTION WITH CONSISTENT SNAPSHOT")]

    def end(self):
        return [self.one("COMMIT", "ROLLBACK", "COMMIT", "COMMIT AND CHAIN", "ROLLBACK AND CHAIN")]

    def savepoint(self):
        return [self.one("SAVEPOINT s", "ROLLBACK TO s", "RELEASE SAVEPOINT s")]

    def lock(self):
        return ["SELECT * FROM t WHERE id=1 " + self.one("FOR UPDATE", "LOCK IN SHARE MODE")]

    def user_lock(self):
        return [self.one("SELECT GET_LOCK('{db}', 0)", "SELECT RELEASE_LOCK('{db}')", "SELECT IS_FREE_LOCK('{db}')",
                         "DO RELEASE_ALL_LOCKS()")]

    def locked_tables(self):
        return ["LOCK TABLES t WRITE, u READ", "SELECT COUNT(*) FROM t", "INSERT INTO t (v) VALUES ('locked')",
                "SELECT COUNT(*) FROM u", "UNLOCK TABLES"]

    def handler(self):
        return ["HANDLER u OPEN", "HANDLER u READ FIRST", "SELECT COUNT(*) FROM t", "HANDLER u READ NEXT", "HANDLER u CLOSE"]

    # --- tables of the session ---

    def temporary(self):
        self.temporaries += 1
        name = self.one("tt", "tt", "t")
        return self.one(["CREATE TEMPORARY TABLE %s (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(9), n INT)" % name],
                        ["INSERT INTO tt (v) VALUES ('temp')", "SELECT * FROM tt"], ["SELECT COUNT(*) FROM tt"],
                        ["DROP TEMPORARY TABLE IF EXISTS %s" % name], ["INSERT INTO t (v) SELECT v FROM tt"])

    # --- several at once, routines ---

    def several(self):
        return [self.one("SELECT 1; SELECT 2", "INSERT INTO t (v) VALUES ('m'); SELECT LAST_INSERT_ID()",
                         "SET @a=5; SELECT @a", "SELECT 1; SELECT nothing; SELECT 3", "SET time_zone='+01:00'; SELECT @@time_zone",
                         "BEGIN; UPDATE t SET n=7; COMMIT")]

    def call(self):
        return [self.one("CALL reads()", "CALL writes('called')", "CALL sets(7, @a)", "CALL signals()", "CALL reads(); SELECT 1")]

    def function(self):
        return ["SELECT " + self.one("twice(4)", "total()", "logs('f')", "twice(n) FROM t ORDER BY id")]

    def sequence(self):
        if self.flavor != "mariadb":
            return ["TABLE u"]
        return [self.one("SELECT NEXTVAL(q)", "SELECT LASTVAL(q)", "SELECT NEXT VALUE FOR q", "INSERT INTO t (n) VALUES (NEXTVAL(q))",
                         "INSERT INTO t (v) VALUES ('r') RETURNING id")]

    def load(self):
        return ["!file b'5,five\\n6,six\\n'", "LOAD DATA LOCAL INFILE 'f' INTO TABLE t FIELDS TERMINATED BY ',' (n, v)"]

    # --- prepared statements ---

    def text_prepared(self):
        return self.one(["PREPARE p FROM 'SELECT v FROM t WHERE id = ?'"], ["SET @id=1", "EXECUTE p USING @id"],
                        ["PREPARE p FROM 'UPDATE t SET n = n + 1'"], ["EXECUTE p"], ["DEALLOCATE PREPARE p"],
                        ["PREPARE p FROM 'SELECT COUNT(*) FROM t'", "EXECUTE p"])

    def prepared(self):
        name, text = self.one(("a", "SELECT v FROM t WHERE id = ?"), ("b", "INSERT INTO t (v) VALUES (?)"),
                              ("c", "SELECT COUNT(*) FROM t"), ("d", "UPDATE t SET n = ? WHERE id = 1"),
                              ("e", "SELECT LAST_INSERT_ID(), @a"), ("f", "SET @b = ?"))
        return ["!prepare %s %s" % (name, text)]

    def executed(self):
        return ["!execute " + self.one("a 1", "a 2", "b 'bound'", "b None", "c", "c", "d 4", "e", "f 'x'")]

    def long_data(self):
        return ["!prepare l SELECT LENGTH(?)", "!long l 0 b'abc'"] + self.one([], ["SELECT 1"]) + ["!execute l b''"]

    def cursor(self):
        return ["!prepare k SELECT id FROM t ORDER BY id", "!open k", "!fetch k 1"] + \
            self.one([], ["SELECT 'between'"], ["UPDATE u SET t=1"]) + ["!fetch k 50", "!close k"]

    # --- commands ---

    def reset(self):
        return ["!reset", "SET NAMES utf8mb4"]

    def command(self):
        return [self.one("!ping", "!fields u")]


ROUTINES = [
    "CREATE TABLE u (id INT PRIMARY KEY AUTO_INCREMENT, t INT, v VARCHAR(9)) ENGINE=InnoDB",
    "INSERT INTO u (t, v) VALUES (1, 'u1'), (2, 'u2')",
    "SET @a=1, @b='x'",  # MariaDB knows a variable from the moment that a statement with it is prepared
    "CREATE PROCEDURE reads() BEGIN SELECT COUNT(*) FROM t; SELECT 'second'; END",
    "CREATE PROCEDURE writes(x VARCHAR(20)) BEGIN INSERT INTO t (v) VALUES (x); SELECT LAST_INSERT_ID(); END",
    "CREATE PROCEDURE sets(a INT, OUT b INT) BEGIN SET b = a * 2; SELECT COUNT(*) INTO @b FROM u; END",
    "CREATE PROCEDURE signals() BEGIN INSERT INTO u (t) VALUES (9); SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT='stop'; END",
    "CREATE FUNCTION twice(a INT) RETURNS INT DETERMINISTIC NO SQL RETURN a * 2",
    "CREATE FUNCTION total() RETURNS INT READS SQL DATA RETURN (SELECT SUM(n) FROM t)",
    "CREATE FUNCTION logs(x VARCHAR(9)) RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO u (v) VALUES (x); RETURN 1; END",
]


def generate(flavor, seed, number, length):
    rng = random.Random("%s %d" % (seed, number))
    script = Script("sequence %d of seed %s" % (number, seed), modern=rng.random() < 0.5)
    script.steps = TABLE + ROUTINES + (["CREATE SEQUENCE q"] if flavor == "mariadb" else [])
    grammar = Grammar(flavor, rng)
    while len(script.steps) < length + 12:
        script.steps += grammar.statement()
    return script


def shorten(sides, script, budget=60):
    """The script without the steps that do not matter, as far as so many tries get."""
    found = sides.differences(script)
    kept = list(script.steps)
    size = max(1, len(kept) // 4)
    while size and budget:
        at = len(kept)
        while at > 0 and budget:
            at = max(0, at - size)
            script.steps = kept[:at] + kept[at + size:]
            budget -= 1
            again = sides.differences(script)
            if again:
                kept, found = list(script.steps), again
        size //= 2
    return found


def run(sides, flavor, count, seed, length=40, at_once=4, tell=print):
    """Differences of sequences 0..count-1, those that could be seen again made short."""
    found, done, lock = [], itertools.count(1), threading.Lock()

    def one(number):
        script = generate(flavor, seed, number, length)
        differences = sides.differences(script)
        if differences:
            short = shorten(sides, script) or differences
            with lock:
                found.append("\n\n".join(short))
                tell("\n\n".join(short))
        n = next(done)
        if n % 500 == 0:
            tell("%d sequences, %d differ" % (n, len(found)))
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, range(count)))
    return found


def main():
    from servers_seen import Witness
    from sides import Sides, prepare
    from wye_cluster import Cluster
    from wye_process import Wye
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flavor", choices=("mariadb", "mysql"), required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", default=None)
    parser.add_argument("--length", type=int, default=40, help="statements of one sequence")
    parser.add_argument("--at-once", type=int, default=4)
    options = parser.parse_args()
    seed = options.seed or str(random.randrange(10 ** 9))
    print("seed %s" % seed, flush=True)
    with tempfile.TemporaryDirectory(prefix="wye-generator-") as directory, \
            Cluster(options.flavor, replicas=2, directory=directory + "/cluster") as cluster:
        cluster.witness = Witness(cluster)
        prepare(cluster)
        wye = Wye(directory + "/wye", "--threads", "1", "--set", "connection_affinity=off", cluster.monitor_url())
        try:
            wye.ready()
            wye.wait_pool(cluster.replicas)
            sides = Sides(cluster, moving=wye)
            found = run(sides, options.flavor, options.count, seed, options.length, options.at_once,
                        lambda text: print(text, flush=True))
            print("%d of %d sequences of seed %s differ" % (len(found), options.count, seed))
            wye.finish()
        finally:
            wye.kill()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
