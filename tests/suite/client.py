"""Running one test file with the servers' own client for them, mysqltest, as mysql-test-run would."""

import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import time

import suite_files
from wye_cluster import mariadb, mysql

PROTOCOLS = {"plain": [], "ps": ["--ps-protocol"], "cursor": ["--cursor-protocol"], "view": ["--view-protocol"],
             "sp": ["--sp-protocol"]}
SKIPPED = 62  # mysqltest's exit status when a test says that it cannot run here
TIME_LIMIT = "time limit"


@dataclasses.dataclass
class Outcome:
    status: object  # mysqltest's exit status, or TIME_LIMIT
    output: str     # masked
    seconds: float = dataclasses.field(compare=False)


class Client:
    """mysqltest and the command line clients of one flavor."""

    def __init__(self, flavor, protocol):
        self.flavor = flavor
        self.protocol = protocol
        self.root = suite_files.root(flavor)
        tree = suite_files.tree(flavor)
        if flavor == "mariadb":
            self.environment = {"LD_LIBRARY_PATH": ":".join(map(str, (tree / "usr/lib").glob("*-linux-gnu*")))}
            self.mysqltest = [str(tree / "usr/bin/mysqltest")]
            self.bin = lambda name: [mariadb.program(name.replace("mysql", "mariadb-", 1).rstrip("-"))]
            self.charsets = pathlib.Path("/usr/share/mysql/charsets")
        else:
            self.environment = {}
            self.mysqltest = mysql.through_loader() + [str(self.root / "bin/mysqltest")]
            self.bin = lambda name: mysql.MySQL().program("usr/bin/" + name)
            self.charsets = mysql.tree() / "usr/share/mysql/charsets"

    def run(self, test, endpoint, var, limit):
        """Run a test against the endpoint (host, port, socket). Files it makes go into the folder var."""
        command = self.mysqltest + [
            "--no-defaults", "--silent", "--user=root", "--password=", "--host=localhost", "--database=test",
            "--port=%d" % endpoint.port, "--socket=%s" % endpoint.socket, "--tmpdir=%s" % (var / "tmp"),
            "--logdir=%s" % (var / "log"), "--character-sets-dir=%s" % self.charsets, "--test-file=%s" % test.path,
            "--max-connections=128"] + PROTOCOLS[self.protocol]
        if self.flavor == "mariadb":
            command += ["--suite-dir=%s/" % test.suite, "--wait-for-pos-timeout=10"]
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   cwd=str(self.root), env=self._environment(test, endpoint, var),
                                   start_new_session=True)
        try:
            output = process.communicate(timeout=limit)[0]
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, status = process.communicate()[0], TIME_LIMIT
        return Outcome(status, self._masked(output.decode("utf-8", "backslashreplace"), endpoint, var),
                       time.monotonic() - began)

    @staticmethod
    def _masked(text, endpoint, var):
        """The output without what cannot be the same through wye: the port, the socket, and the time of a failure."""
        for found, word in ((str(endpoint.socket), "SOCKET"), (str(var), "VARDIR")):
            text = text.replace(found, word)
        text = re.sub(r"\b%d\b" % endpoint.port, "PORT", text)
        return re.sub(r"\berrno: \d+", "errno: N", text)  # mysqltest's own, left over from anything

    def _environment(self, test, endpoint, var):
        """What tests expect from mysql-test-run."""
        login = ["--no-defaults", "--user=root", "--host=localhost", "--port=%d" % endpoint.port,
                 "--socket=%s" % endpoint.socket, "--character-sets-dir=%s" % self.charsets]

        def client(name, *more):
            try:
                return " ".join(self.bin(name) + login + list(more))
            except OSError:
                return "false"

        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("WYE_", "MYSQL", "MTR"))},
            **self.environment,
            "LC_ALL": "C", "TZ": "GMT-3", "UMASK": "0660", "UMASK_DIR": "0770",
            "MYSQL_TEST_DIR": str(self.root), "MYSQL_TEST_DIR_ABS": str(self.root), "MYSQLTEST_VARDIR": str(var),
            "MYSQLTEST_VARDIR_ABS": str(var), "MYSQLTEST_REAL_VARDIR": str(var), "MYSQL_TMP_DIR": str(var / "tmp"),
            "MYSQL_CHARSETSDIR": str(self.charsets), "MYSQL_SHAREDIR": str(self.charsets.parent),
            "SECURE_LOAD_PATH": str(self.root / "std_data"), "MYSQL_BINDIR": "/usr", "USE_RUNNING_SERVER": "0",
            "MASTER_MYPORT": str(endpoint.port), "MASTER_MYSOCK": str(endpoint.socket),
            "DEFAULT_MASTER_PORT": "3306", "MTR_SUITE_DIR": str(test.suite), "MTR_TEST_NAME": test.path.stem,
            "MTR_VERSION": "2", "MTR_RECORD": "0", "MTR_COMBINATIONS": "", "MYSQL_TEST_LOGIN_FILE":
            str(var / "tmp/.mylogin.cnf"), "VALGRIND_TEST": "0", "PLUGIN_SUFFIX": "so",
            "EXE_MYSQL": client("mysql").split(" --no-defaults")[0], "MYSQL": client("mysql"),
            "MYSQL_DUMP": client("mysqldump"), "MYSQL_CHECK": client("mysqlcheck"), "MYSQL_SHOW": client("mysqlshow"),
            "MYSQL_IMPORT": client("mysqlimport"), "MYSQL_SLAP": client("mysqlslap"),
            **({"MYSQL_UPGRADE": client("mysqlupgrade")} if self.flavor == "mariadb" else {}),
            "MYSQLADMIN": client("mysqladmin") if self.flavor == "mariadb" else
            client("mysqladmin").split(" --no-defaults")[0],
            "MYSQL_BINLOG": client("mysqlbinlog").split(" --no-defaults")[0] + " --no-defaults",
            "MARIADB_DATADIR": str(var / "c/primary.data"), "MARIADB_TOPDIR": str(var / "c/primary.data"),
        }
