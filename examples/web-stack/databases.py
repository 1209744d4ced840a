"""The three MariaDB servers: their files at the beginning, and who is the primary now."""

import pathlib
import shutil
import sys

import machines

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "servers"))
from wye_cluster.mariadb import MariaDB  # noqa: E402
from wye_cluster.sql_client import SqlError, run_sql  # noqa: E402

NAMES = ("db1", "db2", "db3")

REPLICATE = """CHANGE MASTER TO MASTER_HOST='%s', MASTER_PORT=3306, MASTER_USER='repl', MASTER_PASSWORD='%s',
    MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1,
    MASTER_SSL=1, MASTER_SSL_CA='%s', MASTER_SSL_VERIFY_SERVER_CERT=1; START SLAVE"""


class Databases:
    def __init__(self, directory):
        self.directory = directory

    def home(self, name):
        return self.directory / name / "mariadb"

    def sql(self, name, statement):
        """By root, who comes in by the Unix socket only."""
        return run_sql(["mariadb", "--no-defaults"], statement, socket=self.home(name) / "mariadb.sock", user="root")

    def ask(self, name, statement):
        """The first row, None when there is none or the server does not answer."""
        try:
            return next(iter(self.sql(name, statement)), None)
        except SqlError:
            return None

    def answers(self, name):
        return self.ask(name, "SELECT 1") is not None

    def make(self, name):
        """An empty server's files, unless they are there."""
        home = self.home(name)
        if not (home / "data").exists():
            machines.run("cp", "-a", str(MariaDB().template()), str(home / "data.new"))
            (home / "tmp").mkdir(exist_ok=True)
            home.chmod(0o700)
            machines.run("chown", "-R", "mysql:", str(home))
            (home / "data.new").rename(home / "data")

    def copy(self, name, source):
        """A dead server's files anew, from a backup of another one. Statements that tell it what it has, for replicate()."""
        history = self.sql(source, "SELECT @@gtid_binlog_state AS state")[0]["state"]
        home, fresh = self.home(name), self.home(name) / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        login = ["--no-defaults", "--user=root", "--socket=%s" % (self.home(source) / "mariadb.sock")]
        machines.run("mariadb-backup", *login, "--backup", "--target-dir=%s" % fresh)
        machines.run("mariadb-backup", "--no-defaults", "--prepare", "--target-dir=%s" % fresh)
        shutil.rmtree(home / "data", ignore_errors=True)
        machines.run("chown", "-R", "mysql:", str(fresh))
        fresh.rename(home / "data")
        position = (home / "data" / "xtrabackup_binlog_info").read_text().split()[2]
        # The history of all servers, too: else old primaries would seem to have what this one lacks, should it become primary.
        return "RESET MASTER; SET GLOBAL gtid_binlog_state='%s'; SET GLOBAL gtid_slave_pos='%s';" % (history, position)

    def replicate(self, name, source, secret, ca, first=""):
        self.sql(name, first + REPLICATE % (machines.ADDRESS[source], secret, ca))

    def begin(self, accounts, secret, ca):
        """The first start: db1 becomes the primary, the others follow it. Nothing when that was done."""
        if self.ask("db1", "SELECT 1 FROM mysql.global_priv WHERE user = 'notes'"):
            return
        self.sql("db1", "SET GLOBAL read_only = 0")
        for name in NAMES[1:]:
            self.replicate(name, "db1", secret, ca)
        self.sql("db1", accounts)

    def resume(self):
        """After all were dead: they come up read-only, and the one that follows nobody is the primary again."""
        if all(self.is_read_only(name) for name in NAMES):
            first = [name for name in NAMES if not self.ask(name, "SHOW SLAVE STATUS")]
            if len(first) == 1:
                self.sql(first[0], "SET GLOBAL read_only = 0")

    def is_read_only(self, name):
        """None when it does not answer."""
        row = self.ask(name, "SELECT @@read_only AS r")
        return row and row["r"] != "0"

    def follows(self, name):
        row = self.ask(name, "SHOW SLAVE STATUS")
        return bool(row) and row["Slave_IO_Running"] == row["Slave_SQL_Running"] == "Yes"

    def primary(self):
        """Its name; None while there is none, or more than one."""
        found = [name for name in NAMES if self.is_read_only(name) is False]
        return found[0] if len(found) == 1 else None

    def is_whole(self):
        first = self.primary()
        return bool(first) and all(self.follows(name) for name in NAMES if name != first)
