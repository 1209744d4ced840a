"""Which server a statement ran on, as the servers themselves tell it.

Every server has a row of its own in app.whoami, written past replication, with its name: a SELECT of it tells where
it ran. And every server counts the statements that an account sent it, without those of wye's monitor and those that
replication applies (Com_insert and its kin count these too).
"""

import contextlib

from endpoint import Endpoint

TABLE = ("CREATE TABLE IF NOT EXISTS app.whoami (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL) ENGINE=InnoDB")

# What MySQL calls the statements of an account.
MYSQL_READS = "'statement/sql/select', 'statement/com/Execute'"
MYSQL_WRITES = "'statement/sql/insert', 'statement/sql/update', 'statement/sql/delete', 'statement/sql/replace'"


class Witness:
    def __init__(self, cluster):
        self.cluster = cluster
        with self.root(cluster.primary) as primary:
            primary.run(TABLE)
        cluster.wait_caught_up()
        self.restore()

    @contextlib.contextmanager
    def root(self, server):
        where = Endpoint(server.host, server.port, str(server.socket))
        with where.session("root", "", None, by_socket=True) as session:
            yield session

    def restore(self):
        """The rows and counters that a server lacks at first, or after it was started again."""
        for server in self.cluster.servers:
            with self.root(server) as session:
                self._write_name(session, server)
                if self.cluster.flavor == "mariadb":
                    session.run("SET GLOBAL userstat = 1")

    def _write_name(self, session, server):
        if session.value("SELECT name FROM app.whoami") == server.name:
            return
        strict = self.cluster.flavor == "mysql" and not server.is_primary
        if strict:
            session.run("SET GLOBAL super_read_only = 0")
        session.run("SET sql_log_bin = 0")
        session.run("REPLACE INTO app.whoami VALUES (1, %s)", [server.name])
        if strict:
            session.run("SET GLOBAL super_read_only = 1")

    def selects(self, user):
        """How many SELECTs, or executions of prepared ones, an account has sent to each server so far, by its name."""
        return {server.name: self._of_account(server, user, "select_commands", MYSQL_READS)
                for server in self.cluster.servers}

    def written(self, user):
        """How many statements that change rows an account has sent to each server; on MySQL, those sent as text."""
        return {server.name: self._of_account(server, user, "update_commands", MYSQL_WRITES)
                for server in self.cluster.servers}

    def _of_account(self, server, user, column, events):
        question = ("SELECT CAST(SUM(%s) AS SIGNED) FROM information_schema.user_statistics WHERE user = %%s" % column
                    if self.cluster.flavor == "mariadb" else
                    "SELECT CAST(SUM(count_star) AS SIGNED)"
                    " FROM performance_schema.events_statements_summary_by_account_by_event_name"
                    " WHERE user = %%s AND event_name IN (%s)" % events)
        with self.root(server) as session:
            return session.value(question, [user]) or 0

    def status(self, server, *names):
        """Global status counters of a server, by name."""
        with self.root(server) as session:
            rows = session.rows("SHOW GLOBAL STATUS WHERE variable_name IN %s", [names])
        return {name: int(value) for name, value in rows}

    def deadlocks(self):
        """How many transactions the primary has chosen as a deadlock's victim."""
        with self.root(self.cluster.primary) as session:
            if self.cluster.flavor == "mariadb":
                return int(session.row("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[1])
            return int(session.value("SELECT count FROM information_schema.innodb_metrics"
                                     " WHERE name = 'lock_deadlocks'"))
