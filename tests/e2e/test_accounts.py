"""The primary's accounts are wye's: made, changed and dropped there, and known here."""

import contextlib

import pymysql
import pytest

from endpoint import Endpoint, wait_until
from wye_process import Wye

READ = "SELECT name FROM app.whoami"


@pytest.fixture
def account(cluster, witness):
    """account(name, host, password): makes one on the primary that may read and write in app; dropped at the end."""
    made = []

    def make(name, password, host="%", more=""):
        with witness.root(cluster.primary) as root:
            root.run("DROP USER IF EXISTS %s@'%s'" % (name, host))
            root.run("CREATE USER %s@'%s' IDENTIFIED BY '%s' %s" % (name, host, password, more))
            root.run("GRANT ALL PRIVILEGES ON app.* TO %s@'%s'" % (name, host))
        made.append("%s@'%s'" % (name, host))

    yield make
    with witness.root(cluster.primary) as root:
        for who in made:
            root.run("DROP USER IF EXISTS %s" % who)


@pytest.fixture
def root(cluster, witness):
    with witness.root(cluster.primary) as session:
        yield session


def logs_in(wye, user, password, **options):
    with wye.session(user, password, **options) as session:
        return session.value(READ)


def refused(wye, user, password, **options):
    try:
        wye.connect(user, password, **options).close()
    except pymysql.MySQLError as error:
        return error.args[0] == 1045
    return False


def test_wrong_passwords_in_a_row_block_an_account_where_the_server_says_so(wye, account, root, flavor):
    account("guessed", "right")
    limit = "max_password_errors" if flavor == "mariadb" else "max_connect_errors"  # of hosts, in MySQL
    before = root.value("SELECT @@global.%s" % limit)
    with wye.session("admin") as admin:
        admin.run("SET GLOBAL %s = 2" % limit)
        try:
            assert refused(wye, "guessed", "wrong") and logs_in(wye, "guessed", "right")
            for _ in range(2):
                assert refused(wye, "guessed", "wrong")
            if flavor == "mariadb":
                with pytest.raises(pymysql.MySQLError, match="4150"):
                    wye.connect("guessed", "right")
            admin.run("FLUSH PRIVILEGES")

            def is_let_in():
                try:
                    return logs_in(wye, "guessed", "right")
                except pymysql.MySQLError as error:
                    assert error.args[0] == 4150
                    return False
            wait_until(is_let_in, "wye to have heard of it", 15)
        finally:
            admin.run("SET GLOBAL %s = %d" % (limit, before))


def test_an_account_made_on_the_primary_logs_in_at_once(wye, account):
    for i in range(10):
        account("fresh%d" % i, "secret %d" % i)
        with wye.session("fresh%d" % i, "secret %d" % i) as session:
            assert [session.value(READ) for _ in range(4)] != []
            session.run("CREATE TABLE IF NOT EXISTS by_fresh (a INT)")
            session.run("INSERT INTO by_fresh VALUES (1)")
            assert session.value("SELECT COUNT(*) > 0 FROM by_fresh") == 1
            assert session.value("SELECT CURRENT_USER()") == "fresh%d@%%" % i


def test_a_changed_password_holds_at_once_and_the_old_one_no_longer(wye, account, root):
    account("changing", "first")
    assert logs_in(wye, "changing", "first")
    for old, new in (("first", "second"), ("second", "third")):
        root.run("ALTER USER changing@'%%' IDENTIFIED BY '%s'" % new)
        assert logs_in(wye, "changing", new)
        wait_until(lambda: refused(wye, "changing", old), "the old password to be refused", 15)
        assert logs_in(wye, "changing", new)


def test_a_dropped_account_is_refused(wye, account, root):
    account("leaving", "leaving")
    assert logs_in(wye, "leaving", "leaving")
    root.run("DROP USER leaving@'%'")
    wait_until(lambda: refused(wye, "leaving", "leaving"), "the dropped account to be refused", 15)


def test_a_locked_account_is_refused_in_the_servers_words(wye, cluster, account, root):
    account("locked", "locked")
    assert logs_in(wye, "locked", "locked")
    root.run("ALTER USER locked@'%' ACCOUNT LOCK")

    def error(endpoint):
        try:
            endpoint.connect("locked", "locked").close()
        except pymysql.MySQLError as caught:
            return caught.args
        return None
    expected = error(Endpoint(cluster.primary.host, cluster.primary.port))
    assert expected
    wait_until(lambda: error(wye) == expected, "wye to say %s" % (expected,), 15)


def test_an_account_without_a_password_logs_in_without_one(wye, account):
    account("open_to_all", "")
    assert logs_in(wye, "open_to_all", "")
    assert refused(wye, "open_to_all", "something")
    assert logs_in(wye, "open_to_all", "", tls=True)


def test_the_account_with_the_closest_host_is_taken(wye, account):
    account("placed", "from everywhere")
    account("placed", "from here", host="127.0.0.1")
    with wye.session("placed", "from here") as session:
        assert session.value(READ) and session.value("SELECT CURRENT_USER()") == "placed@127.0.0.1"
    assert refused(wye, "placed", "from everywhere")


def test_an_account_of_another_host_is_refused(wye, account):
    account("elsewhere", "elsewhere", host="192.0.2.%")
    assert refused(wye, "elsewhere", "elsewhere")


@pytest.mark.parametrize("password", ["päss wörd", "x" * 60, "'\"\\%s`", " "])
def test_a_password_may_be_any_text(wye, account, root, password):
    account("texts", "replaced")
    root.run("ALTER USER texts@'%%' IDENTIFIED BY %s", [password])
    assert logs_in(wye, "texts", password)
    assert logs_in(wye, "texts", password, tls=True)


def test_an_account_logs_in_by_tls_and_by_unix_socket(wye, account):
    for number, options in enumerate(({"tls": True}, {"by_socket": True}, {})):
        account("way%d" % number, "way")
        with wye.session("way%d" % number, "way", **options) as session:
            assert session.value(READ) in ("replica1", "replica2")
            session.run("DO 1")


def test_an_account_logs_in_without_tls_by_the_rsa_key_that_wye_shows(wye, account, mysql_client):
    account("by_rsa", "by rsa")
    for command in ("SELECT 'it works' FROM app.whoami", "CREATE TABLE IF NOT EXISTS by_rsa (a INT); SELECT 'it works'"):
        done = mysql_client.ask(wye, command, "--batch", "--skip-column-names", user="by_rsa", password="by rsa")
        assert done.returncode == 0 and done.stdout == "it works\n", done.stdout
    wrong = mysql_client.ask(wye, "SELECT 1", user="by_rsa", password="by other means")
    assert wrong.returncode == 1 and "1045" in wrong.stdout


def test_after_the_servers_forgot_all_passwords_statements_still_work(wye, cluster, witness, account):
    account("remembered", "remembered")
    with contextlib.ExitStack() as stack:
        before = [stack.enter_context(wye.session("remembered", "remembered")) for _ in range(4)]
        for session in before:
            session.value(READ)
        for server in cluster.servers:
            with witness.root(server) as session:
                session.run("FLUSH LOCAL PRIVILEGES")
        # More at once than there are connections left from before, in sessions from before and after.
        after = [stack.enter_context(wye.session("remembered", "remembered")) for _ in range(4)]
        for _ in range(10):
            for session in before + after:
                assert session.value(READ) in ("replica1", "replica2")
        for session in before + after:
            session.run("BEGIN")
            assert session.value(READ) == "primary"
        for session in before + after:
            session.run("COMMIT")


def test_a_new_grant_holds_at_once(wye, account, root):
    account("granted", "granted")
    with wye.session("granted", "granted") as session:
        assert session.error("SELECT COUNT(*) FROM app2.only_by_grant") in (1142, 1044)
        root.run("CREATE TABLE IF NOT EXISTS app2.only_by_grant (a INT)")
        root.run("GRANT SELECT ON app2.only_by_grant TO granted@'%'")
        wait_until(lambda: works(session, "SELECT COUNT(*) FROM app2.only_by_grant"), "the grant to hold", 15)


def works(session, statement):
    try:
        session.rows(statement)
        return True
    except pymysql.MySQLError:
        return False


def login_error(wye, user, password, **options):
    try:
        wye.connect(user, password, **options).close()
    except pymysql.MySQLError as error:
        return error.args
    return None


def test_a_user_may_have_limits_of_its_own(wye, account):
    account("limited", "limited")
    wye.console("INSERT INTO users (name, networks, max_clients) VALUES ('limited', '127.0.0.9, unix', 2)")
    try:
        wait_until(lambda: (login_error(wye, "limited", "limited") or [0])[0] == 1130, "the limits to be in force")
        # Whatever the password: it is not asked for.
        code, text = login_error(wye, "limited", "wrong")
        assert code == 1130 and "'127.0.0.1'" in text and "'limited'" in text
        with contextlib.ExitStack() as stack:
            def enters(**where):
                with contextlib.suppress(pymysql.MySQLError):
                    stack.enter_context(contextlib.closing(wye.connect("limited", database=None, **where)))
                    return True
            # Others of its clients may have to be seen to leave.
            wait_until(lambda: enters(bind_address="127.0.0.9"), "a client from where it may be to get in")
            wait_until(lambda: enters(by_socket=True), "another to get in")
            code, text = login_error(wye, "limited", "limited", database=None, by_socket=True)
            assert code == 1203 and "max_clients" in text
            assert login_error(wye, "app", "app") is None
    finally:
        wye.console("DELETE FROM users WHERE name = 'limited'")
    wait_until(lambda: login_error(wye, "limited", "limited", database=None) is None, "the limits to be gone")
    for column, value in (("networks", "10.0.0.1/8"), ("max_clients", "0"), ("max_clients", "many")):
        with pytest.raises(pymysql.MySQLError, match="users: " + column):
            wye.console("INSERT INTO users (name, %s) VALUES ('limited', '%s')" % (column, value))


def test_an_address_that_guesses_is_refused_for_a_while(cluster, wye_binary, tmp_path):
    # A wye of its own: other tests' wrong passwords are counted too.
    one = Wye(tmp_path, "--set", "login_failures_max=3", "--set", "login_failures_time=1h", cluster.monitor_url())
    try:
        one.ready()
        for user in ("app", "app2", "nobody"):
            assert login_error(one, user, "wrong")[0] == 1045
        for user, password in (("app", "wrong"), ("app", "app"), ("nobody", "x")):
            code, text = login_error(one, user, password)
            assert code == 1129 and "127.0.0.1" in text
        # From elsewhere it may, and so may who is on this machine.
        assert login_error(one, "app", "app", by_socket=True) is None
        assert login_error(one, "app", "app", bind_address="127.0.0.9") is None
        # The console has its own sentence, and is not shut to who may come by another way.
        with pytest.raises(pymysql.MySQLError, match="1129"):
            one.console("SELECT 1")
        with contextlib.closing(pymysql.connect(host="127.0.0.1", port=one.admin_port, bind_address="127.0.0.9",
                                                user="admin", autocommit=True)) as admin, admin.cursor() as cursor:
            cursor.execute("SELECT text FROM stats_events WHERE kind = 'address-blocked'")
            assert "127.0.0.1 has given 3 wrong passwords" in cursor.fetchone()[0]
            cursor.execute("SET login_failures_max = 0")
        wait_until(lambda: login_error(one, "app", "app") is None, "the limit to be gone")
        one.finish()
    finally:
        one.kill()
