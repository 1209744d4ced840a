"""MariaDB as the distribution packages it."""

import os
import re
import shutil

from .flavor import Flavor, cache_directory, common_accounts_sql


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/usr/local/bin")
    if not found:
        raise OSError("%s is missing: tests/install servers" % name)
    return found


class MariaDB(Flavor):
    name = "mariadb"
    read_only = {"read_only": 1}
    options = {
        "gtid_strict_mode": 1, "gtid_domain_id": 0, "slave_net_timeout": 5, "innodb_log_file_size": "96M",
        "master_retry_count": 100000, "log_warnings": 1, "thread_cache_size": 256, "ssl": 0,
    }

    # What the replication threads say, by the name they have in SHOW SLAVE STATUS.
    show_replica = "SHOW SLAVE STATUS"
    io_column, sql_column, lag_column = "Slave_IO_Running", "Slave_SQL_Running", "Seconds_Behind_Master"
    error_columns = ("Last_IO_Error", "Last_SQL_Error")
    stop_sql_thread, start_sql_thread = "STOP SLAVE SQL_THREAD", "START SLAVE SQL_THREAD"
    position = "SELECT @@gtid_binlog_pos AS position"

    def server_command(self):
        return [program("mariadbd")]

    def client_command(self):
        return [program("mariadb"), "--no-defaults"]

    def version(self):
        text = self.run([program("mariadbd"), "--no-defaults", "--version"], "mariadbd --version")
        return re.search(r"Ver ([0-9.]+)", text).group(1)

    def option_file(self, server):
        """With the plugins that tests/servers/mariadb-plugins has taken out of their package, where it has."""
        found = [path for path in cache_directory().glob("mariadb-plugins-%s-*" % self.version()) if path.is_dir()]
        return super().option_file(server) + "".join("plugin_dir=%s\n" % path for path in found[:1])

    def fill(self, directory):
        user = ["--user=root"] if os.geteuid() == 0 else []
        self.run([program("mariadb-install-db"), "--no-defaults", "--datadir=" + directory, "--skip-test-db",
                  "--auth-root-authentication-method=normal", "--skip-name-resolve", "--force",
                  "--innodb-log-file-size=4M", "--innodb-flush-method=nosync"] + user, "mariadb-install-db")

    def accounts_sql(self):
        return common_accounts_sql(lambda name: "CREATE USER %s@'%%' IDENTIFIED BY '%s'" % (name, name)) + [
            # SHOW SLAVE STATUS, SHOW SLAVE HOSTS; then the accounts.
            "GRANT SLAVE MONITOR, REPLICATION MASTER ADMIN ON *.* TO monitor@'%'",
            "GRANT SELECT ON mysql.global_priv TO monitor@'%'",
            "GRANT SELECT ON mysql.proc TO monitor@'%'",
        ]

    def replicate_sql(self, primary):
        return ("CHANGE MASTER TO MASTER_HOST='%s', MASTER_PORT=%d, MASTER_USER='repl', MASTER_PASSWORD='repl',"
                " MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1; START SLAVE"
                % (primary.host, primary.port))

    def delay_sql(self, seconds):
        return "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=%d; START SLAVE" % seconds

    def wait_sql(self, position, seconds):
        return "SELECT MASTER_GTID_WAIT('%s', %g) = 0 AS reached" % (position, seconds)
