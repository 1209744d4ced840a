"""What MariaDB and MySQL servers have in common here: the option file, the template and the accounts.

A flavor is an object with the words in which its servers differ: how they are started, how their
data directory is first filled, how replication is set up and looked at. See mariadb.py and mysql.py.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import tempfile

ACCOUNTS = {name: name for name in ("app", "monitor", "admin", "repl", "sbtest")}

# The application's databases. It may also create and use any database whose name begins with app_.
DATABASES = ("app", "app2", "sbtest")


def cache_directory():
    directory = pathlib.Path(os.environ.get("WYE_CACHE") or pathlib.Path.home() / ".cache" / "wye")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextlib.contextmanager
def locked(path):
    """Hold a file lock, so that two commands at once do not make the same thing."""
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Flavor:
    name = None
    read_only = {}
    options = {}

    def server_command(self):
        """The server's program and the arguments that every start needs before --defaults-file's options."""
        raise NotImplementedError

    def client_command(self):
        """The command line client's program, as the beginning of a command."""
        raise NotImplementedError

    def version(self):
        """The server's version, such as 10.11.14 or 9.7.4."""
        raise NotImplementedError

    def fill(self, directory):
        """Make a fresh data directory with root@localhost without a password."""
        raise NotImplementedError

    def accounts_sql(self):
        raise NotImplementedError

    def replicate_sql(self, primary):
        """Point a replica at its primary and start it."""
        raise NotImplementedError

    def delay_sql(self, seconds):
        raise NotImplementedError

    def option_file(self, server):
        """The text of a server's option file."""
        options = {
            "port": server.port, "bind_address": server.host, "report_host": server.host,
            "report_port": server.port, "socket": server.socket, "datadir": server.datadir,
            "tmpdir": server.tmpdir,
            "pid_file": server.datadir / "server.pid", "server_id": server.number,
            "log_bin": "binlog", "binlog_format": "ROW", "log_bin_trust_function_creators": 1,
            "relay_log": "relay", "relay_log_recovery": 1, "log_slave_updates": 1,
            "skip_name_resolve": 1, "max_connections": 2500, "max_connect_errors": 1000000,
            "max_allowed_packet": "256M", "local_infile": 1, "secure_file_priv": "",
            "character_set_server": "utf8mb4", "back_log": 1000,
            # Safe against SIGKILL (what is written reaches the kernel), not against a power cut.
            "innodb_flush_log_at_trx_commit": 2, "sync_binlog": 0, "innodb_flush_method": "nosync",
            "innodb_buffer_pool_size": "64M", "innodb_lock_wait_timeout": 20,
        }
        options.update(self.options)
        if not server.is_primary:
            options.update(self.read_only)
        if os.geteuid() == 0:
            options["user"] = "root"
        return "[mysqld]\n" + "".join("%s=%s\n" % pair for pair in options.items())

    def template(self):
        """A filled data directory to copy from, made once per version and kept in the cache."""
        template = cache_directory() / ("template-%s-%s" % (self.name, self.version()))
        with locked(str(template) + ".lock"):
            if not template.exists():
                made = tempfile.mkdtemp(prefix=template.name + ".", dir=template.parent)
                try:
                    self.fill(os.path.join(made, "data"))
                    os.rename(os.path.join(made, "data"), template)
                finally:
                    shutil.rmtree(made, ignore_errors=True)
        return template

    @staticmethod
    def run(command, what):
        """Run a command whose output matters only when it fails."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
                              errors="replace")
        if done.returncode:
            lines = (done.stderr + done.stdout).strip().splitlines() or ["no message"]
            raise OSError("%s failed: %s" % (what, next((l for l in lines if "ERROR" in l), lines[0])))
        return done.stdout


def common_accounts_sql(create):
    """Databases and accounts that are the same on both; create(name) is the CREATE USER of a flavor."""
    databases = ["CREATE DATABASE %s" % name for name in DATABASES]
    users = [create(name) for name in ACCOUNTS]
    application = ["GRANT ALL PRIVILEGES ON `%s`.* TO app@'%%'" % name for name in DATABASES + (r"app\_%",)]
    return databases + users + application + [
        # Reading everything is harmless; nothing here lets it write on a read-only replica.
        "GRANT SELECT, SHOW DATABASES, SHOW VIEW ON *.* TO app@'%'",
        "GRANT ALL PRIVILEGES ON sbtest.* TO sbtest@'%'",
        "GRANT ALL PRIVILEGES ON *.* TO admin@'%' WITH GRANT OPTION",
        "GRANT REPLICATION SLAVE ON *.* TO repl@'%'",
    ]
