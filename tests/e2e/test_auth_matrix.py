"""Every way to log in: the accounts' plugins, the transports, the client libraries, and towards the servers.

A library's first login with an account of its own is the one that hands wye what the servers will want, the second
one finds it known. Where a login has led says CURRENT_USER(), asked of a server.
"""

import contextlib

import MySQLdb
import pymysql
import pytest

from driver_programs import CommandLine, Program
from wiretap import Wiretap
from wye_process import Wye

# How an account of each plugin is made. By hand: the servers have it too, but wye is told its password.
PLUGINS = {
    "mariadb": {
        "mysql_native_password": "IDENTIFIED VIA mysql_native_password USING PASSWORD('%s')",
        "ed25519": "IDENTIFIED VIA ed25519 USING PASSWORD('%s')",
    },
    "mysql": {
        "caching_sha2_password": "IDENTIFIED WITH caching_sha2_password BY '%s'",
        "sha256_password": "IDENTIFIED WITH sha256_password BY '%s'",
    },
}
WAYS = ("plain", "tls", "socket")
QUICK = ("pymysql", "mysqlclient", "mariadb", "mysql")
PROGRAMS = ("mysql2", "mysqli", "connector_j")
TO_SERVERS = {"mariadb": ("plain", "socket"), "mysql": ("plain", "tls", "socket")}
ASK = "SELECT CURRENT_USER()"


def pytest_generate_tests(metafunc):
    if "library" in metafunc.fixturenames:
        without_mysql = metafunc.config.getoption("no_mysql")
        metafunc.parametrize("library", [one for one in QUICK + PROGRAMS if not (without_mysql and one == "mysql")])


def user_of(*words):
    """A name of at most 32 bytes, as MySQL wants it."""
    return "_".join(word[:8] for word in words)


def password_of(user):
    return "Battery-5417-" + user


def logins(plugin, library):
    """The accounts of a library and the two ways in which it logs in with each."""
    if library in PROGRAMS:  # They take their time, and know no socket.
        return [(user_of(plugin, library), ("plain", "tls"))]
    return [(user_of(plugin, library, way), (way, way)) for way in WAYS]


def cells(flavor):
    """Who logs in with which plugin: a name and the plugin."""
    for plugin in PLUGINS[flavor]:
        for library in QUICK + PROGRAMS:
            yield from ((user, plugin) for user, _ in logins(plugin, library))
        yield from ((user_of(plugin, "to", way), plugin) for way in TO_SERVERS[flavor])
        yield user_of(plugin, "signs"), plugin
    yield "by_hand", next(iter(PLUGINS[flavor]))


@pytest.fixture(scope="module")
def accounts(cluster, foreign_plugin):
    """All of them, before any wye of this module starts."""
    made = list(cells(cluster.flavor))
    statements = [(who, "CREATE USER %s@'%%' %s" % (who, PLUGINS[cluster.flavor][plugin] % password_of(who)))
                  for who, plugin in made]
    for server in cluster.servers if cluster.flavor == "mariadb" else ():
        with cluster.witness.root(server) as root:
            root.run("INSTALL PLUGIN IF NOT EXISTS ed25519 SONAME 'auth_ed25519'")
    if cluster.flavor == "mariadb":
        statements.append(("two", "CREATE USER two@'%%' IDENTIFIED VIA ed25519 USING PASSWORD('another')"
                                  " OR mysql_native_password USING PASSWORD('%s')" % password_of("two")))
    statements.append(("foreign", "CREATE USER `foreign`@'%%' IDENTIFIED WITH %s" % foreign_plugin))
    with cluster.witness.root(cluster.primary) as root:
        for who, statement in statements:
            root.run("DROP USER IF EXISTS `%s`@'%%'" % who)
            root.run(statement)
            for schema in ("app", "app2"):
                root.run("GRANT ALL PRIVILEGES ON %s.* TO `%s`@'%%'" % (schema, who))
    cluster.wait_caught_up()
    yield
    with cluster.witness.root(cluster.primary) as root:
        for who, _ in statements:
            root.run("DROP USER `%s`@'%%'" % who)
    cluster.wait_caught_up()


@pytest.fixture(scope="module")
def wye_options(accounts):
    return ["--user", "by_hand:" + password_of("by_hand")]


# ---- the libraries: each gives what it printed or raised ----

def with_pymysql(endpoint, way, user, password):
    with endpoint.session(user, password, tls=way == "tls", by_socket=way == "socket") as session:
        return session.value(ASK)


def with_mysqlclient(endpoint, way, user, password):
    where = {"unix_socket": endpoint.socket} if way == "socket" else {"host": endpoint.host, "port": endpoint.port}
    tls = {"ssl": {"cipher": "DEFAULT"}} if way == "tls" else {}
    with contextlib.closing(MySQLdb.connect(user=user, passwd=password, db="app", **where, **tls)) as connection:
        cursor = connection.cursor()
        cursor.execute(ASK)
        return cursor.fetchone()[0]


def with_command_line(name, endpoint, way, user, password, *options):
    more = ["--host=localhost", "--protocol=socket", "--socket=" + endpoint.socket] if way == "socket" else []
    return CommandLine(name).ask(endpoint, ASK, *more, *options, tls=way == "tls", user=user, password=password).stdout


def log_in(library, endpoint, way, user, password, directory):
    if library == "pymysql":
        return with_pymysql(endpoint, way, user, password)
    if library == "mysqlclient":
        return with_mysqlclient(endpoint, way, user, password)
    if library in QUICK:
        return with_command_line(library, endpoint, way, user, password)
    mode = "text" if library == "connector_j" else ""
    return Program(library, mode).run(endpoint, directory, way == "tls", ["session"], user, password)


def test_who_knows_the_password_gets_in(cluster, wye, library, tmp_path):
    for plugin in PLUGINS[cluster.flavor]:
        for user, ways in logins(plugin, library):
            for way in ways:
                with Wiretap(wye, remembers=True) as tapped:
                    tapped.socket = wye.socket
                    said = log_in(library, tapped, way, user, password_of(user), tmp_path)
                    assert user + "@%" in said, (plugin, way, said)
                    assert (user.encode() in tapped.heard) == (way == "plain")
                    assert password_of(user).encode() not in tapped.heard


@pytest.mark.parametrize("way", WAYS)
def test_who_does_not_know_it_is_refused(cluster, wye, way):
    for plugin in PLUGINS[cluster.flavor]:
        for user in (user_of(plugin, "pymysql", way), user_of(plugin, "signs"), "by_hand"):
            for password in ("Battery-5417", ""):
                with pytest.raises(pymysql.MySQLError, match="1045"):
                    wye.connect(user, password, tls=way == "tls", by_socket=way == "socket").close()


@pytest.mark.parametrize("way", WAYS)
def test_an_account_by_hand_is_let_in(cluster, wye, way, tmp_path):
    for library in ("pymysql", "mysqlclient", "mariadb"):
        assert "by_hand@%" in log_in(library, wye, way, "by_hand", password_of("by_hand"), tmp_path)


@pytest.mark.flavor("mariadb")
def test_a_client_that_wants_to_sign_signs_where_the_password_is_known(wye, tmp_path):
    user = user_of("ed25519", "signs")

    def asks(password):
        with Wiretap(wye, remembers=True) as tapped:
            said = with_command_line("mariadb", tapped, "plain", user, password, "--default-auth=client_ed25519")
            return said, tapped.heard.count(b"client_ed25519"), tapped.heard.count(b"caching_sha2_password")
    # Its own wish is one of them, wye's answer the other.
    said, signatures, passwords = asks(password_of(user))
    assert user in said and (signatures, passwords) == (1, 1)
    said, signatures, passwords = asks(password_of(user))
    assert user in said and (signatures, passwords) == (2, 0)
    said, signatures, _ = asks("Battery-5417")
    assert "ERROR 1045" in said and signatures >= 2


@pytest.mark.flavor("mariadb")
def test_an_account_of_two_plugins_is_let_in_by_the_one_wye_knows_best(wye):
    with wye.session("two", password_of("two")) as session:
        assert session.value(ASK) == "two@%"


def test_an_account_that_cannot_be_checked_is_told_so(wye, foreign_plugin):
    with pytest.raises(pymysql.MySQLError, match="1524.*'%s'.*ALTER USER 'foreign' to one of .*caching_sha2_password" % foreign_plugin):
        wye.connect("foreign", "any")


def test_wye_logs_in_to_servers_by_every_plugin(cluster, accounts, wye_binary, tmp_path):
    """The servers' caches are cold: these accounts have never logged in anywhere."""
    for way in TO_SERVERS[cluster.flavor]:
        with Wiretap(cluster.primary, remembers=True) as tapped:
            at = str(cluster.primary.socket) if way == "socket" else "%s:%d" % (tapped.host, tapped.port)
            wye = Wye(tmp_path / way, "--set", "server_tls=" + ("required" if way == "tls" else "off"),
                      "mysql://monitor:monitor@" + at)
            try:
                wye.ready()
                for plugin in PLUGINS[cluster.flavor]:
                    log_in_to_server(wye, user_of(plugin, "to", way), tapped, way)
                wye.finish()
            finally:
                wye.kill()


def log_in_to_server(wye, user, tapped, way):
    with wye.session(user, password_of(user), by_socket=True) as session:
        assert session.value(ASK) == user + "@%"
        session.run("UPDATE app.whoami SET name = name")
    assert password_of(user).encode() not in tapped.heard
    assert user.encode() in tapped.heard or way != "plain"
