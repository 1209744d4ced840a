"""Where tests run: a cluster with a wye in front of it, and everything put back after each test."""

import collections
import contextlib
import dataclasses
import os
import pathlib
import shutil

import pymysql

import suite_files
from wye_cluster import Cluster, ClusterError, ServerError, SqlError
from wye_process import Wye

# What mysql-test-run starts its servers with and the cluster does not, as far as it changes answers.
OPTIONS = {
    "mariadb": {"character_set_server": "latin1", "default_storage_engine": "myisam", "plugin_maturity": "unknown",
                "use_stat_tables": "preferably", "histogram_type": "json_hb", "max_heap_table_size": "1M",
                "sort_buffer_size": "256K", "performance_schema": "ON", "gtid_strict_mode": 0,
                "binlog_direct_non_transactional_updates": 1},
    "mysql": {},
}
# A connection that waits in the pool for its next session is one more session to the server, and tests that wait until
# the server has no more of them than before wait for it. Looks at accounts that nobody has changed count as reads in
# the statistics that some tests print.
WYE_OPTIONS = ["--set", "consistency=global", "--set", "pool_idle_timeout=1s", "--set",
               "pool_min_idle=0", "--set", "accounts_interval=1h", "--set", "catalog_interval=1h"]
SYSTEM = {"information_schema", "performance_schema", "mysql", "sys", "mtr", "app", "app2", "sbtest", "test"}
# Of the schema mysql, tables that change without a test having left something behind.
VOLATILE = {"gtid_slave_pos", "gtid_executed", "slow_log", "general_log", "innodb_index_stats", "innodb_table_stats",
            "table_stats", "column_stats", "index_stats", "transaction_registry", "slave_master_info", "server_cost",
            "slave_relay_log_info", "slave_worker_info", "engine_cost", "ndb_binlog_index"}
# Global variables that are no settings.
COUNTING = {"gtid_executed", "gtid_purged", "gtid_owned", "gtid_binlog_pos", "gtid_binlog_state", "gtid_current_pos",
            "gtid_slave_pos", "gtid_pos_auto_engines", "gtid_seq_no", "gtid_next", "last_gtid", "timestamp", "error_count",
            "warning_count", "insert_id", "last_insert_id", "identity", "rand_seed1", "rand_seed2", "pseudo_thread_id"}
BROKEN = (pymysql.MySQLError, OSError, ClusterError, ServerError, SqlError)


@dataclasses.dataclass
class Socket:
    host: str
    port: int
    socket: object


class Arena:
    """One cluster in a folder; run() gives every test the same fresh beginning."""

    def __init__(self, flavor, directory, wye_options):
        self.flavor = flavor
        self.directory = pathlib.Path(directory)
        self.wye_options = WYE_OPTIONS + wye_options
        self.cluster = self.wye = self.root = None
        self.made = 0
        for name in ("tmp", "log"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.symlink(suite_files.root(flavor) / "std_data", self.directory / "std_data")

    # --- its life ---

    def up(self):
        """A cluster and a wye, if they are not there or were found broken."""
        if self.cluster:
            return
        self.made += 1
        self.cluster = Cluster(self.flavor, 2, self.directory / "c")
        (self.directory / "servers").mkdir(exist_ok=True)
        kind = self.cluster.kind
        kind.options = {**kind.options, **OPTIONS[self.flavor], "tmpdir": self.directory / "servers"}
        # wye comes to root@localhost over TCP. MySQL takes the option for given whatever value it has.
        text = kind.option_file
        kind.option_file = lambda server: text(server).replace("skip_name_resolve=1\n", "")
        self.cluster.up()
        self.root = pymysql.connect(unix_socket=str(self.cluster.primary.socket), user="root", autocommit=True,
                                    connect_timeout=20, read_timeout=60)
        for statement in ("CREATE DATABASE mtr", "CREATE TABLE mtr.test_suppressions (pattern VARCHAR(255))",
                          "CREATE PROCEDURE mtr.add_suppression(p VARCHAR(255)) BEGIN END", "CREATE DATABASE test"):
            self.sql(statement)
        if self.flavor == "mariadb":  # some tests have MySQL's table of accounts in the place of MariaDB's
            self.sql("GRANT SELECT ON mysql.user TO monitor@'%'")
        self.users = self._users()
        self.variables = self._variables()
        self.prints = self._prints()
        self._start_wye()

    def _start_wye(self):
        options = list(self.wye_options)
        if self.variables.get("have_ssl", "YES") != "YES":
            options += ["--set", "client_tls=off"]  # what the servers do not offer
        self.wye = Wye(self.directory / "wye", *options, self.cluster.monitor_url())
        self.wye.ready()
        self.wye.wait_pool(self.cluster.replicas)

    def down(self):
        """Take all of it down; the next up() begins anew. wye's log stays."""
        if self.root:
            with contextlib.suppress(Exception):
                self.root.close()
        if self.wye:
            self.wye.kill()
        if self.cluster:
            self.cluster.down()
        self.cluster = self.wye = self.root = None

    def direct(self):
        one = self.cluster.primary
        return Socket(one.host, one.port, one.socket)

    def through(self):
        return Socket(self.wye.host, self.wye.port, self.wye.socket)

    # --- between tests ---

    def sql(self, statement):
        with self.root.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def _users(self):
        return {(row[0], row[1]) for row in self.sql("SELECT User, Host FROM mysql.user")}

    def _variables(self):
        return dict(self.sql("SHOW GLOBAL VARIABLES"))

    def _prints(self):
        """What tests may leave in the system tables, and the plugins."""
        tables = ["mysql.`%s`" % name for (name, kind) in self.sql("SHOW FULL TABLES FROM mysql")
                  if kind == "BASE TABLE" and name not in VOLATILE]
        plugins = sorted(row[0] for row in self.sql("SHOW PLUGINS") if row[1] == "ACTIVE")
        return self.sql("CHECKSUM TABLE " + ", ".join(tables)), plugins

    def clean(self):
        """Put back what a test has changed; what cannot be put back costs the cluster."""
        for name in ("tmp", "log"):
            shutil.rmtree(self.directory / name, ignore_errors=True)
            (self.directory / name).mkdir()
        try:
            if self._cleaned():
                self._forget()
            else:
                self.down()
        except (*BROKEN, AssertionError):  # a wait in vain
            self.down()

    def _cleaned(self):
        self.root.ping(reconnect=True)
        for statement in ("SET sql_mode=DEFAULT", "SET foreign_key_checks=0"):
            self.sql(statement)
        self._restore_variables()
        for (name,) in self.sql("SHOW DATABASES"):
            if name == "test" or name not in SYSTEM:
                self.sql("DROP DATABASE `%s`" % name.replace("`", "``"))
        self.sql("CREATE DATABASE test")
        self._drop_users()
        self.sql("FLUSH PRIVILEGES")
        if self.flavor == "mysql":
            self.sql("DELETE FROM performance_schema.setup_actors WHERE user <> '%' AND host <> '%'")
        if self._prints() != self.prints or self._variables_differ():
            return False
        self.cluster.wait_caught_up(timeout=10)
        return self.wye.process.poll() is None

    def _forget(self):
        """What a test has taught wye is nothing for the next one: a new wye, where there was such a thing."""
        taught = self.wye.console("SELECT COUNT(*) AS n FROM stats_routes WHERE reason IN ('set-global', 'learned')")
        if int(taught[0]["n"]):
            self.wye.kill()
            self._start_wye()

    def _variables_differ(self):
        now = self._variables()
        # What a server counts there, and what follows from the binary log.
        return [name for name, value in self.variables.items()
                if now.get(name) != value and name not in COUNTING]

    def _restore_variables(self):
        for name in self._variables_differ():
            value = self.variables[name]
            for text in (value if value.lstrip("-").replace(".", "", 1).isdigit() else None,
                         "'%s'" % value.replace("\\", "\\\\").replace("'", "''"), "DEFAULT"):
                with contextlib.suppress(pymysql.MySQLError):
                    if text is not None:
                        self.sql("SET GLOBAL %s = %s" % (name, text))
                        break
        # They follow the globals only in new sessions.
        self.root.close()
        self.root.connect()

    def _drop_users(self):
        for user, host in self._users() - self.users:
            account = self.root.escape(user) + ("@" + self.root.escape(host) if host else "")
            with contextlib.suppress(pymysql.MySQLError):
                self.sql(("DROP USER " if host or user == "" else "DROP ROLE ") + account)

    # --- what wye counted ---

    def counted(self):
        """Statements of clients, by the role of the server they ran on, by "route ROUTE" and by "reason REASON"."""
        sent = self.wye.console("SELECT role AS name, SUM(statements) AS n FROM stats_servers GROUP BY role")
        routed = self.wye.console("SELECT 'route ' || route AS name, SUM(statements) AS n FROM stats_routes GROUP BY route")
        why = self.wye.console("SELECT 'reason ' || reason AS name, SUM(statements) AS n FROM stats_routes GROUP BY reason")
        return collections.Counter({row["name"]: int(row["n"]) for row in sent + routed + why})
