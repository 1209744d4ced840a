"""The compressed protocol: towards clients of every kind, and towards the servers."""

import hashlib
import subprocess
import sys

import pytest
from conftest import start_wye
from driver_programs import CommandLine, node_modules
from endpoint import Endpoint
from wire_client import COMPRESS, ZSTD, WireClient

def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


SCRIPT = """
DROP TABLE IF EXISTS compressed;
CREATE TABLE compressed (id INT PRIMARY KEY AUTO_INCREMENT, v LONGTEXT);
INSERT INTO compressed (v) VALUES (REPEAT('wye ', 100000)), ('short'), (NULL);
SELECT id, LENGTH(v), LEFT(v, 20) FROM compressed;
SELECT v FROM compressed WHERE id = 1;
CALL two_results();
SELECT REPEAT('x', 17000000);
SELECT 1;
LOAD DATA LOCAL INFILE '%s' INTO TABLE compressed FIELDS TERMINATED BY '|' (v);
SELECT COUNT(*), SUM(LENGTH(v)) FROM compressed;
SELECT * FROM no_such_table;
DROP TABLE compressed;
"""


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("DROP PROCEDURE IF EXISTS app.two_results")
        root.run("CREATE PROCEDURE app.two_results() BEGIN SELECT 1; SELECT REPEAT('y', 200000); SELECT 3; END")
        root.run("SET GLOBAL local_infile = 1")
    cluster.wait_caught_up()


@pytest.fixture(scope="module", params=["plain-servers", "compressing-servers"])
def compressing(request, cluster, tmp_path_factory):
    """A wye that speaks to the servers as it does, or compresses there too."""
    towards = "off" if request.param == "plain-servers" else "zstd" if cluster.flavor == "mysql" else "zlib"
    wye = start_wye(cluster, tmp_path_factory.mktemp("wye"), "--set", "server_compression=" + towards)
    try:
        yield wye
        wye.finish()
    finally:
        wye.kill()


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    lines = tmp_path_factory.mktemp("lines") / "lines"
    lines.write_text("".join("line %d %s\n" % (i, "z" * (i % 200)) for i in range(20000)))
    return SCRIPT % lines


@pytest.fixture(scope="module")
def direct(cluster, script):
    """What the script prints on the primary, uncompressed."""
    endpoint = Endpoint(cluster.primary.host, cluster.primary.port)
    return printed(CommandLine("mariadb"), endpoint, script, tls=False)


def printed(program, endpoint, script, *options, tls):
    """The lines, long ones in short; where the clients say an error stands in the script is their own affair."""
    output = program.ask(endpoint, script, "--force", "--batch", "--local-infile=1", *options, tls=tls).stdout
    lines = [line.replace(" at line 12", "") for line in output.splitlines()]
    return [md5(line) if len(line) > 200 else line for line in lines
            if line and not line.startswith(("---", "SELECT * FROM no_such_table"))]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_mariadb_client(compressing, direct, script, tls):
    got = printed(CommandLine("mariadb"), compressing, script, "--compress", tls=tls)
    assert got == direct
    assert "Compressed" in CommandLine("mariadb").ask(compressing, "status", "--compress", tls=tls).stdout


@pytest.mark.parametrize("algorithm", ["zlib", "zstd", "zstd,zlib"])
def test_the_mysql_client(compressing, direct, script, flavor, mysql_client, algorithm):
    if flavor == "mariadb" and algorithm == "zstd":
        return  # not offered: the client refuses to connect
    got = printed(mysql_client, compressing, script, "--compression-algorithms=" + algorithm, tls=True)
    assert got == direct


PHP = r"""
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
[$host, $port] = [$argv[1], (int)$argv[2]];
$c = mysqli_init();
$c->real_connect($host, 'app', 'app', 'app', $port, null, MYSQLI_CLIENT_COMPRESS);
foreach (["SELECT REPEAT('x', 300000) AS v", "SELECT 'short' AS v"] as $text)
    echo md5($c->query($text)->fetch_assoc()['v']), "\n";
$s = $c->prepare('SELECT CONCAT(?, ?) AS v');
$big = str_repeat('0123456789', 600000);
for ($i = 0; $i < 2; $i++) {
    $s->execute([$big, "$i"]);
    echo md5($s->get_result()->fetch_assoc()['v']), "\n";
}
$c->multi_query("SELECT 1; SELECT REPEAT('z', 100000); SELECT 3");
do { $r = $c->store_result(); echo strlen($r->fetch_row()[0]), "\n"; } while ($c->more_results() && $c->next_result());
"""

JAVASCRIPT = r"""
const mysql = require('mysql2/promise'), crypto = require('crypto');
const md5 = text => crypto.createHash('md5').update(text).digest('hex');
(async () => {
  const [host, port] = process.argv.slice(-2);
  const c = await mysql.createConnection({host, port, user: 'app', password: 'app', database: 'app', compress: true,
                                          multipleStatements: true});
  for (const text of ["SELECT REPEAT('x', 300000) AS v", "SELECT 'short' AS v"])
    console.log(md5((await c.query(text))[0][0].v));
  const big = '0123456789'.repeat(600000);
  for (let i = 0; i < 2; i++)
    console.log(md5((await c.execute('SELECT CONCAT(?, ?) AS v', [big, '' + i]))[0][0].v));
  for (const [row] of (await c.query("SELECT 1 AS v; SELECT REPEAT('z', 100000) AS v; SELECT 3 AS v"))[0])
    console.log(('' + row.v).length);
  await c.end();
})();
"""

PYTHON = r"""
import hashlib, sys
import MySQLdb
md5 = lambda text: hashlib.md5(text.encode()).hexdigest()
c = MySQLdb.connect(host=sys.argv[1], port=int(sys.argv[2]), user="app", passwd="app", db="app", compress=True, client_flag=65536)
q = c.cursor()
def value(text, *arguments):
    q.execute(text, arguments or None)
    return q.fetchone()[0]
print(md5(value("SELECT REPEAT('x', 300000) AS v")))
print(md5(value("SELECT 'short' AS v")))
big = "0123456789" * 600000
for i in range(2):
    print(md5(value("SELECT CONCAT(%s, %s) AS v", big, str(i))))
q.execute("SELECT 1; SELECT REPEAT('z', 100000); SELECT 3")
while True:
    print(len(str(q.fetchone()[0])))
    if not q.nextset():
        break
"""


@pytest.mark.parametrize("driver", ["mysqlnd", "mysql2", "mysqlclient"])
def test_drivers_that_count_the_packets(compressing, driver):
    command, environment = {
        "mysqlnd": lambda: (["php", "-r", PHP, "--"], {}),
        "mysql2": lambda: (["node", "-e", JAVASCRIPT, "--"], {"NODE_PATH": str(node_modules())}),
        "mysqlclient": lambda: ([sys.executable, "-c", PYTHON], {}),
    }[driver]()
    done = subprocess.run(command + [compressing.host, str(compressing.port)], capture_output=True, timeout=120,
                          encoding="utf-8", env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **environment})
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    assert done.stdout.split() == EXPECTED


BIG = "0123456789" * 600000
EXPECTED = [md5("x" * 300000), md5("short"), md5(BIG + "0"), md5(BIG + "1"), "1", "100000", "1"]


def test_it_is_offered_unless_it_is_switched_off(cluster, tmp_path):
    wye = start_wye(cluster, tmp_path / "wye", "--set", "client_compression=off")
    try:
        with WireClient(wye, tls=True) as one:
            assert not one.offered & (COMPRESS | ZSTD)
    finally:
        wye.kill()
