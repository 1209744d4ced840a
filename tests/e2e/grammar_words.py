"""What the random sessions of grammar.py speak of: objects, names, values, and the variables that they set."""

TABLE_T = "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20), n INT) ENGINE=InnoDB"
TABLE_U = "CREATE TABLE u (id INT PRIMARY KEY AUTO_INCREMENT, t INT, v VARCHAR(9)) ENGINE=InnoDB"
TABLE_G = "CREATE TABLE g (id INT PRIMARY KEY AUTO_INCREMENT, v INT) ENGINE=InnoDB"
ROWS = ["INSERT INTO t (v, n) VALUES ('one', 10), ('two', 20), ('three', 30)", "INSERT INTO u (t, v) VALUES (1, 'u1'), (2, 'u2')"]
ROUTINES = [
    "CREATE TRIGGER remembers BEFORE INSERT ON g FOR EACH ROW SET @g = NEW.v",
    "CREATE PROCEDURE shows() BEGIN SELECT COUNT(*) FROM t; SELECT 'second'; END",
    "CREATE PROCEDURE writes(x VARCHAR(20)) BEGIN INSERT INTO t (v) VALUES (x); SELECT LAST_INSERT_ID(); END",
    "CREATE PROCEDURE sets(a INT, OUT b INT) BEGIN SET b = a * 2; SELECT COUNT(*) INTO @b FROM u; END",
    "CREATE PROCEDURE signals() BEGIN INSERT INTO u (t) VALUES (9); SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT='stop'; END",
    "CREATE PROCEDURE tunes(x INT) BEGIN SET group_concat_max_len = x; SET @a = x; IF x = 5 THEN SIGNAL SQLSTATE '45000'; END IF; END",
    "CREATE PROCEDURE zones() BEGIN SET time_zone = '-03:00'; SET lc_time_names = 'de_DE'; END",
    "CREATE PROCEDURE keeps() BEGIN CREATE TEMPORARY TABLE IF NOT EXISTS tt (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(9), n INT);"
    " INSERT INTO tt (v) VALUES ('kept'); END",
    "CREATE PROCEDURE begins() BEGIN START TRANSACTION; UPDATE t SET n = 77 WHERE id = 1; END",
    "CREATE PROCEDURE prepares() BEGIN PREPARE p FROM 'SELECT 42'; END",
    "CREATE PROCEDURE warns() BEGIN SELECT CAST('w' AS SIGNED) INTO @a; END",
    "CREATE FUNCTION twice(a INT) RETURNS INT DETERMINISTIC NO SQL RETURN a * 2",
    "CREATE FUNCTION total() RETURNS INT READS SQL DATA RETURN (SELECT SUM(n) FROM t)",
    "CREATE FUNCTION enters(x VARCHAR(9)) RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO u (v) VALUES (x); RETURN 1; END",
    "CREATE FUNCTION notes(x INT) RETURNS INT DETERMINISTIC NO SQL BEGIN SET @a = x; RETURN x; END",
]
SEQUENCES = ["CREATE SEQUENCE q", "CREATE SEQUENCE r", "CREATE TABLE s (id INT DEFAULT NEXTVAL(r), n INT) ENGINE=InnoDB"]


def objects(flavor):
    """The statements that make what the grammar speaks of. (What FOUND_ROWS() is before the first rows, nobody says.)"""
    return [TABLE_T, TABLE_U, TABLE_G] + ROWS + ROUTINES + (SEQUENCES if flavor == "mariadb" else []) + ["SELECT 1"]


NAMES = ["one", "two", "it''s", "ü", "", "a b", "back\\\\slash", "100%"]
MODES = ["", "ANSI_QUOTES", "PIPES_AS_CONCAT", "NO_BACKSLASH_ESCAPES", "STRICT_ALL_TABLES", "STRICT_TRANS_TABLES",
         "TRADITIONAL", "ANSI", "NO_UNSIGNED_SUBTRACTION", "HIGH_NOT_PRECEDENCE", "IGNORE_SPACE", "ONLY_FULL_GROUP_BY"]
ZONES = ["+00:00", "+02:00", "-08:00", "+13:45", "SYSTEM"]
CHARSETS = ["utf8mb4", "latin1", "utf8mb4 COLLATE utf8mb4_bin", "gbk", "ascii", "DEFAULT", "'latin1'", "latin1 COLLATE latin1_bin",
            "nothing"]
VARIABLES = {
    "group_concat_max_len": ["4", "100", "DEFAULT", "@@group_concat_max_len*2", "@a"],
    "sql_select_limit": ["1", "2", "DEFAULT", "1+1"],
    "sql_safe_updates": ["0", "1", "ON"],
    "foreign_key_checks": ["0", "1", "OFF"],
    "div_precision_increment": ["2", "7", "@a", "DEFAULT", "'x'"],
    "lc_time_names": ["'de_DE'", "'en_US'", "DEFAULT", "'xx'"],
    "auto_increment_increment": ["1", "3", "DEFAULT"],
    "auto_increment_offset": ["1", "2", "DEFAULT"],
    "default_week_format": ["0", "3", "@@default_week_format+1"],
    "max_error_count": ["0", "1", "DEFAULT"],
    "sql_notes": ["0", "1"],
    "sql_warnings": ["0", "1"],
    "innodb_lock_wait_timeout": ["3", "DEFAULT"],
    "no_such_variable": ["1"],
    "unique_checks": ["0", "1"],
    "character_set_results": ["latin1", "utf8mb4", "NULL", "DEFAULT"],
    "character_set_client": ["latin1", "utf8mb4", "@@character_set_server", "ucs2"],
    "character_set_connection": ["latin1", "utf8mb4"],
    "collation_connection": ["latin1_swedish_ci", "utf8mb4_bin", "'utf8mb4_general_ci'", "DEFAULT"],
    "completion_type": ["0", "1", "'CHAIN'", "DEFAULT"],
    "max_sort_length": ["4", "1024", "DEFAULT"],
    "lc_messages": ["'en_US'", "DEFAULT"],
    "insert_id": ["900"],
    "last_insert_id": ["77"],
    "identity": ["78"],
    "big_tables": ["0", "1"],
    "sql_big_selects": ["1", "DEFAULT"],
    "eq_range_index_dive_limit": ["10", "DEFAULT"],
    "optimizer_switch": ["'mrr=off'", "'mrr=on'", "DEFAULT"],
    "updatable_views_with_limit": ["0", "YES"],
    "transaction_isolation": ["'READ-COMMITTED'", "'REPEATABLE-READ'"],
    "net_write_timeout": ["100", "DEFAULT"],
    "session_track_schema": ["ON", "OFF"],
    "session_track_state_change": ["ON", "OFF"],
    "session_track_system_variables": ["'sql_mode,time_zone'", "''", "DEFAULT"],
    "sql_auto_is_null": ["0", "1"],
    "old_mode": ["''"],
    "read_only": ["1"],
    "wait_timeout": ["1000", "DEFAULT"],
    "max_heap_table_size": ["16384", "DEFAULT"],
}
# Their values tell what wye has asked the server to report to it; and where a READ ONLY transaction has begun.
NOT_READ = {"session_track_schema", "session_track_state_change", "session_track_system_variables", "read_only"}
DUMP = ["SELECT DATABASE(), @@autocommit, @@sql_mode, @@time_zone, @@character_set_client, @@character_set_connection,"
        " @@character_set_results, @@collation_connection, @@group_concat_max_len, @@sql_select_limit, @@div_precision_increment",
        "SELECT @a, @b, @g, @n, @@unique_checks, @@foreign_key_checks, @@sql_safe_updates, @@completion_type, @@max_error_count,"
        " @@lc_time_names, @@auto_increment_increment, @@default_week_format, @@sql_notes",
        "SELECT * FROM {db}.t ORDER BY id", "SELECT id, v FROM {db}.u ORDER BY id"]
