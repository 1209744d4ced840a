"""The tables and procedures that every driver program reads, in each flavor's own types."""

COLUMNS = [  # name, type, then the values of the rows: ordinary, least, greatest
    ("bit_1", "BIT(1)", "b'1'", "b'0'", "b'1'"),
    ("bit_64", "BIT(64)", "b'1010'", "b'0'", "18446744073709551615"),
    ("tiny", "TINYINT", "1", "-128", "127"),
    ("tiny_u", "TINYINT UNSIGNED", "1", "0", "255"),
    ("truth", "BOOL", "TRUE", "FALSE", "TRUE"),
    ("small", "SMALLINT", "2", "-32768", "32767"),
    ("small_u", "SMALLINT UNSIGNED", "2", "0", "65535"),
    ("medium", "MEDIUMINT", "3", "-8388608", "8388607"),
    ("medium_u", "MEDIUMINT UNSIGNED", "3", "0", "16777215"),
    ("whole", "INT", "4", "-2147483648", "2147483647"),
    ("whole_u", "INT UNSIGNED", "4", "0", "4294967295"),
    ("big", "BIGINT", "5", "-9223372036854775808", "9223372036854775807"),
    ("big_u", "BIGINT UNSIGNED", "5", "0", "18446744073709551615"),
    ("dec_10", "DECIMAL(10,2)", "1234.50", "-99999999.99", "99999999.99"),
    ("dec_65", "DECIMAL(65,30)", "1.5", "-99999999999999999999999999999999999.999999999999999999999999999999",
     "99999999999999999999999999999999999.999999999999999999999999999999"),
    ("float_4", "FLOAT", "1.5", "-3.40282e38", "3.40282e38"),
    ("double_8", "DOUBLE", "0.1", "-1.7976931348623157e308", "2.2250738585072014e-308"),
    ("date_1", "DATE", "'2024-02-29'", "'1000-01-01'", "'9999-12-31'"),
    ("time_0", "TIME", "'12:34:56'", "'-838:59:59'", "'838:59:59'"),
    ("time_6", "TIME(6)", "'12:34:56.000001'", "'-23:59:59.999999'", "'00:00:00.1'"),
    ("datetime_0", "DATETIME", "'2024-02-29 12:34:56'", "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"),
    ("datetime_6", "DATETIME(6)", "'2024-02-29 12:34:56.000001'", "'1000-01-01 00:00:00.000000'",
     "'9999-12-31 23:59:59.999999'"),
    ("timestamp_0", "TIMESTAMP NULL", "'2024-02-29 12:34:56'", "'1970-01-02 00:00:01'", "'2038-01-18 03:14:07'"),
    ("timestamp_6", "TIMESTAMP(6) NULL", "'2024-02-29 12:34:56.789'", "'1970-01-02 00:00:01.000001'",
     "'2038-01-18 03:14:07.999999'"),
    ("year_4", "YEAR", "2024", "1901", "2155"),
    ("char_10", "CHAR(10)", "'abc'", "''", "'0123456789'"),
    ("varchar_255", "VARCHAR(255)", "'Grüße, 世界, \U0001f600'", "''", "REPEAT('ü', 255)"),
    ("latin_255", "VARCHAR(255) CHARACTER SET latin1", "'Grüße'", "''", "REPEAT('ß', 255)"),
    ("binary_8", "BINARY(8)", "'abc'", "''", "x'FFFFFFFFFFFFFFFF'"),
    ("varbinary_255", "VARBINARY(255)", "x'00010A0D1A22275C00'", "''", "REPEAT(x'FF', 255)"),
    ("tinyblob_1", "TINYBLOB", "x'00FF'", "''", "REPEAT(x'FE', 255)"),
    ("blob_1", "BLOB", "x'FFFE00'", "''", "REPEAT(x'FB', 1000)"),
    ("mediumblob_1", "MEDIUMBLOB", "x'FD'", "''", "REPEAT(x'FC', 70000)"),
    ("longblob_1", "LONGBLOB", "x'00'", "''", "REPEAT(x'FB', 300)"),
    ("tinytext_1", "TINYTEXT", "'tiny \\\\ \\' \"'", "''", "REPEAT('t', 255)"),
    ("text_1", "TEXT", "'text\nwith a line'", "''", "REPEAT('é', 1000)"),
    ("mediumtext_1", "MEDIUMTEXT", "'medium'", "''", "REPEAT('m', 66000)"),
    ("longtext_1", "LONGTEXT", "'long'", "''", "REPEAT('l', 300)"),
    ("enum_1", "ENUM('small', 'größer', '')", "'größer'", "''", "'small'"),
    ("set_1", "SET('x', 'y', 'z')", "'x,z'", "''", "'x,y,z'"),
    ("json_1", "JSON", "'{\"a\": [1, 2.5, null, \"ü\"]}'", "'[]'", "'\"text\"'"),
    ("point_1", "POINT", "ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POINT(-1 -2.5)')",
     "ST_GeomFromText('POINT(0 0)')"),
    ("geometry_1", "GEOMETRY", "ST_GeomFromText('LINESTRING(0 0, 1 1, 2 0)')",
     "ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))')", "ST_GeomFromText('POINT(0 0)')"),
]

OF_FLAVOR = {
    "mariadb": [
        ("inet6_1", "INET6", "'2001:db8::ff00:42:8329'", "'::'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'"),
        ("inet4_1", "INET4", "'192.0.2.1'", "'0.0.0.0'", "'255.255.255.255'"),
        ("uuid_1", "UUID", "'123e4567-e89b-12d3-a456-426655440000'", "'00000000-0000-0000-0000-000000000000'",
         "'ffffffff-ffff-1fff-bfff-ffffffffffff'"),
    ],
    "mysql": [
        ("vector_3", "VECTOR(3)", "STRING_TO_VECTOR('[1,2,3]')", "STRING_TO_VECTOR('[-1,0,0]')",
         "STRING_TO_VECTOR('[1e38,0,1]')"),
    ],
}


def statements(flavor):
    """What root runs on the primary: all_types, new_types, the view known_types and the procedure two_sets."""
    def table(name, columns):
        yield "DROP TABLE IF EXISTS %s" % name
        yield "CREATE TABLE %s (id INT PRIMARY KEY, %s)" % (
            name, ", ".join("%s %s" % column[:2] for column in columns))
        for row in range(3):
            yield "INSERT INTO %s VALUES (%d, %s)" % (name, row + 1, ", ".join(c[2 + row] for c in columns))
        yield "INSERT INTO %s (id) VALUES (4)" % name

    yield "SET NAMES utf8mb4"
    yield "SET sql_mode = '', time_zone = '+00:00'"
    yield from table("all_types", COLUMNS)
    yield from table("new_types", OF_FLAVOR[flavor])
    # Some drivers stop at a type they have never heard of: they read these.
    yield "CREATE OR REPLACE VIEW known_types AS SELECT %s FROM new_types" % (
        "*" if flavor == "mariadb" else "id, HEX(vector_3) AS vector_3")
    yield "DROP PROCEDURE IF EXISTS two_sets"
    yield ("CREATE PROCEDURE two_sets(IN n INT) BEGIN SELECT id, char_10 FROM all_types WHERE id <= n ORDER BY id;"
           " SELECT 'second' AS which, n AS n; END")
