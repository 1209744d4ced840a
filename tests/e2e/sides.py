"""The primary itself and wyes before it: the same scripts are played on each, and their answers compared."""

import concurrent.futures
import contextlib
import itertools

import pymysql

from endpoint import Endpoint, wait_until
from script import Player, difference

AT_ONCE = 6
ALONE = 3
READ_ONLY_ERRORS = {1290, 1836}

ROLES = ("dx_reader", "dx_writer")


def prepare(cluster):
    """Roles for the scripts about them, since their account may not make any."""
    with cluster.witness.root(cluster.primary) as root:
        for role in ROLES:
            root.run("CREATE ROLE IF NOT EXISTS " + role)
            root.run("GRANT %s TO app@'%%'" % role)
        root.run("GRANT INSERT ON sbtest.* TO dx_writer")


class Sides:
    """The primary itself, and wye with and without affinity: the same scripts for each."""

    def __init__(self, cluster, **wyes):
        self.cluster = cluster
        direct = Endpoint(cluster.primary.host, cluster.primary.port, str(cluster.primary.socket))
        self.direct = Player(direct, "d", self.blocked, self.drop)
        self.wyes = {name: Player(wye, name[0], self.blocked, self.drop) for name, wye in wyes.items()}
        self.numbers = itertools.count(1)
        self.answers = []
        for player in [self.direct, *self.wyes.values()]:  # whose password is known then: COM_CHANGE_USER has no other way
            player.endpoint.connect("sbtest", database="sbtest", tls=cluster.flavor == "mysql").close()

    def drop(self, schema):
        with self.cluster.witness.root(self.cluster.primary) as root:
            for name in (schema, schema + "_b"):
                with contextlib.suppress(pymysql.err.OperationalError):  # MariaDB: its folder is not empty yet, once in a while
                    root.run("DROP DATABASE IF EXISTS " + name)

    def blocked(self, statement, for_lock):
        """Until the statement is seen to run on a server, or to wait on the primary for a row's lock."""
        with contextlib.ExitStack() as stack:
            roots = [stack.enter_context(self.cluster.witness.root(server)) for server in self.cluster.servers]

            def runs():
                question = ("SELECT COUNT(*) FROM information_schema.processlist"
                            " WHERE LOCATE(%s, info) AND id <> CONNECTION_ID()")
                return any(root.value(question, [statement]) for root in roots)

            def waits():
                # information_schema.innodb_trx is of no use: while it is asked often, it keeps its last answer.
                return statement + "\n------- TRX HAS BEEN WAITING" in roots[0].row("SHOW ENGINE INNODB STATUS")[2]
            wait_until(waits if for_lock else runs, "a server to run %s" % statement)

    def differences(self, script):
        """Of one script, each with the name of the wye that answered otherwise."""
        number = next(self.numbers)
        expected = self.direct.play(script, number)
        found = []
        for name, player in self.wyes.items():
            got = player.play(script, number)
            self.answers += got
            told = difference(script, expected, got)
            if told:
                found.append("%s: %s" % (name, told))
        return found

    def all_differences(self, scripts):
        """Of all scripts, played side by side, so that they take each other's connections. What is seen only then, and not
        once a script is played alone, depends on the moment (docs/known-differences.md): it is told, and not counted."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            seen = [script for script, found in zip(scripts, pool.map(self.differences, scripts)) if found]
        lasting = []
        for script in seen:
            again = [self.differences(script) for _ in range(ALONE)]
            if all(again):
                lasting += again[-1]
            else:
                print("differed, but not in every one of %d times alone: %s" % (ALONE, script.title))
        return lasting

    def errors(self):
        """The codes of all, also of those that came behind rows."""
        ends = [part[3] if part[0] == "rows" else part for answer in self.answers for part in answer]
        return {end[1] for end in ends if end[0] == "error"}
