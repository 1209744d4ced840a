"""MySQL 9.7 from the tree that mysql-tree makes, run through the tree's own dynamic loader.

Nothing of it is installed on the machine, so its libraries are found by --library-path and its files by options.
"""

import functools
import os
import pathlib
import re
import subprocess

from .flavor import Flavor, common_accounts_sql


@functools.lru_cache(maxsize=None)
def tree():
    done = subprocess.run([str(pathlib.Path(__file__).parents[1] / "mysql-tree")], stdout=subprocess.PIPE,
                          encoding="utf-8")
    if done.returncode:
        raise OSError("there is no MySQL tree, see above")
    return pathlib.Path(done.stdout.strip())


@functools.lru_cache(maxsize=None)
def through_loader():
    """The beginning of every command: the tree's loader and where its libraries are."""
    loader = next((found for pattern in ("lib64", "lib/*-linux-gnu*")
                   for found in sorted(tree().glob("usr/%s/ld-linux*.so.*" % pattern))), None)
    if loader is None:
        raise OSError("the MySQL tree %s has no dynamic loader" % tree())
    libraries = [str(path) for path in sorted(tree().glob("usr/lib/*-linux-gnu*"))]
    return [str(loader), "--library-path", ":".join(libraries)]


class MySQL(Flavor):
    name = "mysql"
    read_only = {"read_only": 1, "super_read_only": 1}
    options = {
        "gtid_mode": "ON", "enforce_gtid_consistency": "ON", "replica_net_timeout": 5, "mysqlx": "OFF",
        "innodb_redo_log_capacity": "200M", "log_error_verbosity": 2, "thread_cache_size": 256,
        # Small on purpose: many servers share one machine here, and the replication tables need no instruments.
        "performance_schema_max_table_instances": 500, "performance_schema_max_thread_instances": 1000,
        "performance_schema_max_table_handles": 500, "table_open_cache": 1000, "innodb_log_buffer_size": "16M",
        "performance_schema_digests_size": 200,
    }

    show_replica = "SHOW REPLICA STATUS"
    io_column, sql_column, lag_column = "Replica_IO_Running", "Replica_SQL_Running", "Seconds_Behind_Source"
    error_columns = ("Last_IO_Error", "Last_SQL_Error")
    stop_sql_thread, start_sql_thread = "STOP REPLICA SQL_THREAD", "START REPLICA SQL_THREAD"
    position = "SELECT @@global.gtid_executed AS position"

    def program(self, path):
        return through_loader() + [str(tree() / path)]

    def files(self):
        share = tree() / "usr/share/mysql"
        return ["--basedir=%s" % (tree() / "usr"), "--plugin-dir=%s" % (tree() / "usr/lib/mysql/plugin"),
                "--lc-messages-dir=%s" % share, "--character-sets-dir=%s" % (share / "charsets")]

    def server_command(self):
        return self.program("usr/sbin/mysqld")

    def client_command(self):
        return self.program("usr/bin/mysql") + ["--no-defaults", "--get-server-public-key"]

    def option_file(self, server):
        text = super().option_file(server).replace("log_slave_updates", "log_replica_updates")
        return text + "".join(option[2:] + "\n" for option in self.files())

    def version(self):
        text = self.run(self.program("usr/sbin/mysqld") + ["--no-defaults", "--version"], "mysqld --version")
        return re.search(r"Ver ([0-9.]+)", text).group(1)

    def fill(self, directory):
        user = ["--user=root"] if os.geteuid() == 0 else []
        self.run(self.program("usr/sbin/mysqld") + ["--no-defaults", "--initialize-insecure",
                 "--datadir=" + directory, "--innodb-flush-method=nosync", "--innodb-redo-log-capacity=32M",
                 "--log-bin=binlog"] + self.files() + user, "mysqld --initialize-insecure")
        # Each copy makes an identity of its own, and starts with an empty binary log.
        for path in [pathlib.Path(directory, "auto.cnf"), *pathlib.Path(directory).glob("binlog.*")]:
            path.unlink(missing_ok=True)

    def accounts_sql(self):
        return common_accounts_sql(
            lambda name: "CREATE USER %s@'%%' IDENTIFIED WITH caching_sha2_password BY '%s'" % (name, name)) + [
            # SHOW REPLICA STATUS and SHOW REPLICAS; then the accounts and the applier's lag.
            "GRANT REPLICATION CLIENT, REPLICATION SLAVE, SHOW_ROUTINE ON *.* TO monitor@'%'",
            "GRANT SELECT ON mysql.user TO monitor@'%'",
            "GRANT SELECT ON performance_schema.replication_applier_status_by_worker TO monitor@'%'",
        ]

    def replicate_sql(self, primary):
        return ("CHANGE REPLICATION SOURCE TO SOURCE_HOST='%s', SOURCE_PORT=%d, SOURCE_USER='repl',"
                " SOURCE_PASSWORD='repl', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1,"
                " SOURCE_RETRY_COUNT=100000, SOURCE_HEARTBEAT_PERIOD=1; START REPLICA" % (primary.host, primary.port))

    def delay_sql(self, seconds):
        return ("STOP REPLICA SQL_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_DELAY=%d; START REPLICA SQL_THREAD"
                % seconds)

    def wait_sql(self, position, seconds):
        return "SELECT WAIT_FOR_EXECUTED_GTID_SET('%s', %g) = 0 AS reached" % (position.replace("\n", ""), seconds)
