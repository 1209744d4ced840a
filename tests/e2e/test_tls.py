"""TLS: certificates that are given, checked, asked for and renewed without a restart."""

import contextlib
import os
import shutil
import signal
import ssl
import subprocess

import pymysql
import pytest

from endpoint import any_certificate, wait_until
from wye_process import Wye, run_wye


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, stdin=subprocess.DEVNULL,
                   timeout=60)


class Authority:
    """Certificates of one authority, in a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.cert, self.key = folder / (name + ".pem"), folder / (name + ".key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj",
                "/CN=" + name, "-keyout", self.key, "-out", self.cert)

    def issue(self, name):
        """A certificate for localhost and its key: two files."""
        key, request, cert = (self.folder / ("%s.%s" % (name, end)) for end in ("key", "csr", "pem"))
        names = self.folder / "names"
        names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
                "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", "9",
                "-extfile", names, "-out", cert)
        return cert, key


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("strangers"), "strangers")


@pytest.fixture(scope="module")
def shown(authority, tmp_path_factory):
    """The files that the module's wye shows; a test may put others in their place."""
    folder = tmp_path_factory.mktemp("shown")
    cert, key = authority.issue("wye-1")
    shutil.copy(cert, folder / "cert.pem")
    shutil.copy(key, folder / "key.pem")
    return folder


@pytest.fixture(scope="module")
def wye_options(shown, authority):
    return ["--set", "tls_cert=%s/cert.pem" % shown, "--set", "tls_key=%s/key.pem" % shown,
            "--set", "tls_ca=%s" % authority.cert]


def verifying(authority, cert=None, key=None, version=None):
    context = ssl.create_default_context(cafile=str(authority.cert))
    if cert:
        context.load_cert_chain(str(cert), str(key))
    if version:
        context.minimum_version = context.maximum_version = version
    return context


@contextlib.contextmanager
def client(wye, context, user="app", host="127.0.0.1", **options):
    options = {"port": wye.port, "host": host, **options}
    connection = pymysql.connect(user=user, password=user, ssl=context, autocommit=True, connect_timeout=30, **options)
    with contextlib.closing(connection):
        yield connection


def subject(connection):
    return dict(pair[0] for pair in connection._sock.getpeercert()["subject"])["commonName"]


def value(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def error_of(wye, context, **options):
    try:
        with client(wye, context, **options):
            return None
    except (pymysql.MySQLError, ssl.SSLError) as error:
        return error


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_verifies_is_served(wye, authority, version):
    for host in ("127.0.0.1", "localhost"):
        with client(wye, verifying(authority, version=version), host=host) as connection:
            assert subject(connection).startswith("wye-")
            assert value(connection, "SELECT 1") == 1


def test_a_client_of_another_authority_turns_away(wye, strangers):
    assert "certificate" in str(error_of(wye, verifying(strangers)))


def renew(shown, authority, name):
    cert, key = authority.issue(name)
    shutil.copy(cert, shown / "cert.pem")
    shutil.copy(key, shown / "key.pem")


def test_a_renewed_certificate_is_shown_after_reload_tls_and_nobody_is_cut_off(wye, authority, shown):
    with client(wye, verifying(authority)) as before:
        renew(shown, authority, "wye-2")
        with client(wye, verifying(authority)) as connection:
            assert subject(connection) == "wye-1"
        wye.console("RELOAD TLS")
        with client(wye, verifying(authority)) as connection:
            assert subject(connection) == "wye-2"
        assert value(before, "SELECT 1") == 1


def test_a_renewed_certificate_is_shown_after_sighup(wye, authority, shown):
    renew(shown, authority, "wye-3")
    os.kill(wye.pid, signal.SIGHUP)

    def is_new():
        with client(wye, verifying(authority)) as connection:
            return subject(connection) == "wye-3"
    wait_until(is_new, "the new certificate to be shown")


def test_what_cannot_be_used_changes_nothing_and_is_told(wye, authority, shown):
    with client(wye, verifying(authority)) as connection:
        name = subject(connection)
    _, other_key = authority.issue("other")
    kept = (shown / "key.pem").read_bytes()
    try:
        shutil.copy(other_key, shown / "key.pem")
        with pytest.raises(pymysql.MySQLError, match="does not belong to the certificate; what was in use stays"):
            wye.console("RELOAD TLS")
        (shown / "key.pem").unlink()
        with pytest.raises(pymysql.MySQLError, match="tls_cert: cannot read .*key.pem"):
            wye.console("RELOAD TLS")
        with client(wye, verifying(authority)) as connection:
            assert subject(connection) == name
    finally:
        (shown / "key.pem").write_bytes(kept)
    wye.console("RELOAD TLS")


def test_a_setting_that_cannot_be_used_is_refused(wye):
    for sql in ("SET tls_cert = '/nowhere/cert.pem'", "SET tls_ca = '/nowhere/ca.pem'", "SET server_ca = '/nowhere/ca.pem'",
                "SET server_cert = '/nowhere/cert.pem'"):
        with pytest.raises(pymysql.MySQLError, match="cannot read /nowhere"):
            wye.console(sql)
        with pytest.raises(pymysql.MySQLError, match="cannot read /nowhere"):
            wye.console(sql.replace("cert.pem", "x").replace("ca.pem", "y"))


def test_wye_does_not_start_with_a_wrong_key(cluster, wye_binary, authority, tmp_path):
    cert, _ = authority.issue("one")
    _, key = authority.issue("two")
    done = run_wye("--listen", str(tmp_path / "s"), "--admin", str(tmp_path / "a"), "--set", "tls_cert=%s" % cert, "--set",
                   "tls_key=%s" % key, cluster.monitor_url())
    assert done.returncode == 1 and "the private key does not belong to the certificate" in done.stderr


@pytest.fixture
def certified(cluster, witness):
    """An account that must show a certificate."""
    with witness.root(cluster.primary) as root:
        root.run("DROP USER IF EXISTS certified@'%'")
        root.run("CREATE USER certified@'%' IDENTIFIED BY 'certified' REQUIRE X509")
        yield
        root.run("DROP USER certified@'%'")


def test_an_account_that_must_show_a_certificate(wye, certified, authority, strangers):
    # Without a schema no server has a part in the login.
    assert error_of(wye, any_certificate(), user="certified").args[0] == 1045
    with pytest.raises(pymysql.MySQLError, match="1045"):
        wye.connect("certified", database=None)
    with client(wye, verifying(authority, *authority.issue("somebody")), user="certified") as connection:
        connection.ping()
    stranger = any_certificate()
    stranger.load_cert_chain(*map(str, strangers.issue("stranger")))
    assert error_of(wye, stranger, user="certified") is not None


def test_tls_may_be_a_must_for_everybody(wye, authority):
    wye.console("SET require_tls = on")
    try:
        wait_until(lambda: error_of(wye, None) is not None, "the setting to be in force")
        assert error_of(wye, None).args[0] == 3159
        with client(wye, verifying(authority)) as connection:
            assert value(connection, "SELECT 1") == 1
        with wye.session("app", by_socket=True) as session:
            assert session.value("SELECT 1") == 1
    finally:
        wye.console("SET require_tls = off")
    wait_until(lambda: error_of(wye, None) is None, "the setting to be in force no more")


def test_the_least_version_may_be_raised(wye, authority):
    wye.console("SET tls_min_version = '1.3'")
    try:
        assert error_of(wye, verifying(authority, version=ssl.TLSVersion.TLSv1_2)) is not None
        with client(wye, verifying(authority, version=ssl.TLSVersion.TLSv1_3)) as connection:
            assert value(connection, "SELECT 1") == 1
    finally:
        wye.console("SET tls_min_version = DEFAULT")


@pytest.mark.flavor("mysql")
def test_what_is_demanded_of_servers_holds_from_then_on(cluster, wye_binary, strangers, tmp_path):
    one = Wye(tmp_path, "--threads", "1", "--set", "server_tls=off", cluster.monitor_url())

    def demand(**settings):
        """Sets them, and waits until the worker knows: it refuses clients without TLS from then on, and before not."""
        for value, expected in (("off", None), ("on", 3159)):
            for name, word in {**settings, "require_tls": value}.items():
                one.console("SET %s = '%s'" % (name, word))
            wait_until(lambda: getattr(error_of(one, None), "args", (None,))[0] == expected, "the worker to know")

    try:
        one.ready()
        demand(server_tls="required")
        # The account's first connection, so that it is none from before.
        with client(one, any_certificate()) as connection:
            assert ciphers(connection)
        demand(server_ca=strangers.cert, server_tls="verify_ca")
        with client(one, any_certificate(), user="admin") as connection:
            with pytest.raises(pymysql.MySQLError):
                ciphers(connection)
        demand(server_tls="off", server_ca="")
        one.finish()
    finally:
        one.kill()


def ciphers(connection):
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        return cursor.fetchone()[1]
