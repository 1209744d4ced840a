"""The PROXY protocol: whose connection it is, as a trusted proxy ahead of wye tells it."""

import contextlib
import itertools
import socket
import struct

import pymysql
import pytest

from conftest import start_wye
from endpoint import any_certificate

SIGN = b"\r\n\r\n\x00\r\nQUIT\n"
CLIENT, TRUSTED, OTHER = "203.0.113.7", "127.0.0.2", "127.0.0.3"


def line(client=CLIENT, port=51234):
    version = "TCP6" if ":" in client else "TCP4"
    own = "::1" if ":" in client else "127.0.0.1"
    return ("PROXY %s %s %s %d 6033\r\n" % (version, client, own, port)).encode()


def binary(client=CLIENT, port=51234, more=b"", command=1):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    addresses = socket.inet_pton(family, client) * 2 + struct.pack(">HH", port, 6033) + more
    return SIGN + struct.pack(">BBH", 0x20 | command, 0x21 if ":" in client else 0x11, len(addresses)) + addresses


def from_unix_socket(path=b"/run/app.sock"):
    return SIGN + struct.pack(">BBH", 0x21, 0x31, 216) + path.ljust(108, b"\0") * 2


@pytest.fixture(scope="module")
def proxied(cluster, wye_binary, tmp_path_factory):
    """A wye that believes one address and those who come by its Unix socket, and forgives few wrong passwords."""
    one = start_wye(cluster, tmp_path_factory.mktemp("proxied"), "--set", "login_failures_max=3", "--set",
                    "login_failures_time=1h", "--set", "proxy_protocol_networks=%s/32, unix" % TRUSTED)
    try:
        yield one
    finally:
        one.finish()


def connect_socket(wye, by=TRUSTED):
    if by == "unix":
        made = socket.socket(socket.AF_UNIX)
        made.connect(wye.socket)
        return made
    return socket.create_connection((wye.host, wye.port), source_address=(by, 0), timeout=60)


def connect(wye, header, user="app", password="app", by=TRUSTED, pieces=None, tls=False):
    """A client whose connection begins with a header, sent whole or in pieces of so many bytes."""
    made = connect_socket(wye, by)
    made.settimeout(60)
    try:
        if made.family != socket.AF_UNIX:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(header), pieces or max(1, len(header))):
            made.sendall(header[at:at + (pieces or len(header))])
        connection = pymysql.Connection(user=user, password=password, charset="utf8mb4", defer_connect=True,
                                        autocommit=True, read_timeout=120, ssl=any_certificate() if tls else None)
        connection.host = "127.0.0.1"
        connection.connect(made)
        return connection
    except BaseException:
        made.close()
        raise


def seen(wye, connection):
    """As wye's console shows the client."""
    rows = wye.console("SELECT client FROM stats_sessions WHERE id = %d" % connection.thread_id())
    return rows[0]["client"]


def refusal(wye, *arguments, **options):
    with pytest.raises(pymysql.MySQLError) as caught:
        connect(wye, *arguments, **options)
    return caught.value.args


@pytest.mark.parametrize("header, client", [
    (line(), CLIENT + ":51234"), (line("2001:db8::7"), "2001:db8::7:51234"),
    (line("::ffff:203.0.113.8"), "203.0.113.8:51234"),
    (binary(), CLIENT + ":51234"), (binary("2001:db8::7"), "2001:db8::7:51234"),
    (binary(more=b"\x05\x00\x02id" + b"\x04\x04\x00" + bytes(1024)), CLIENT + ":51234"),
    (from_unix_socket(), "localhost"),
])
def test_the_client_is_whom_the_proxy_names(proxied, header, client):
    for by, tls, pieces in ((TRUSTED, False, None), (TRUSTED, True, 5), ("unix", False, None)):
        with contextlib.closing(connect(proxied, header, by=by, tls=tls, pieces=pieces)) as connection:
            assert seen(proxied, connection) == client
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                assert cursor.fetchone() == (1,)


def test_a_header_may_come_byte_by_byte(proxied):
    for header in (line(), binary()):
        with contextlib.closing(connect(proxied, header, pieces=1)) as connection:
            assert seen(proxied, connection) == CLIENT + ":51234"


def test_a_proxy_may_connect_without_naming_anybody(proxied):
    for header in (b"", b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN whatever it is\r\n", binary(command=0),
                   SIGN + b"\x20\x00\x00\x00", SIGN + b"\x21\x00\x00\x00"):
        with contextlib.closing(connect(proxied, header)) as connection:
            assert seen(proxied, connection).startswith(TRUSTED + ":")


def test_a_header_from_elsewhere_is_refused(proxied):
    for header, tls in itertools.product((line(), binary(), binary(command=0)), (False, True)):
        code, text = refusal(proxied, header, by=OTHER, tls=tls)
        assert code == 1130 and OTHER in text and "proxy_protocol_networks" in text
    with contextlib.closing(connect(proxied, b"", by=OTHER)) as connection:
        assert seen(proxied, connection).startswith(OTHER + ":")


def test_what_is_no_header_after_all_is_refused(proxied):
    for header in (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", b"PROXY " + b"x" * 200, SIGN + b"\x21\x11\x00\x01x",
                   SIGN + b"\x41\x11\x00\x00"):
        with contextlib.closing(connect_socket(proxied)) as made:
            made.settimeout(60)
            made.sendall(header)
            with made.makefile("rb") as stream:
                greeting = stream.read(4)
                stream.read(int.from_bytes(greeting[:3], "little"))
                assert stream.read(4)[3:] and stream.read(3) == b"\xff" + struct.pack("<H", 1043)
    # It may come once.
    with contextlib.closing(connect_socket(proxied)) as made:
        made.settimeout(60)
        made.sendall(line() + line())
        with contextlib.suppress(ConnectionResetError):
            while made.recv(4096):
                pass


@pytest.fixture
def of_one_network(cluster, witness):
    with witness.root(cluster.primary) as root:
        for host in ("203.0.113.%", "localhost"):
            root.run("DROP USER IF EXISTS proxied@'%s'" % host)
            root.run("CREATE USER proxied@'%s' IDENTIFIED BY '%s'" % (host, host))
        yield
        for host in ("203.0.113.%", "localhost"):
            root.run("DROP USER proxied@'%s'" % host)


def test_accounts_are_found_by_the_clients_own_address(proxied, of_one_network):
    def may(header, password, **options):
        connect(proxied, header, user="proxied", password=password, **options).close()

    may(line("203.0.113.99"), "203.0.113.%")
    may(binary("203.0.113.98"), "203.0.113.%", by="unix")
    may(from_unix_socket(), "localhost")
    may(b"", "localhost", by="unix")
    code, text = refusal(proxied, line("203.0.114.99"), "proxied", "203.0.113.%")
    assert code == 1045 and "'203.0.114.99'" in text


def test_wrong_passwords_count_for_who_gave_them(proxied):
    guesser, other = line("198.51.100.1"), binary("198.51.100.2")
    for _ in range(3):
        assert refusal(proxied, guesser, password="wrong")[0] == 1045
    code, text = refusal(proxied, guesser)
    assert code == 1129 and "198.51.100.1" in text
    connect(proxied, other).close()
    connect(proxied, b"").close()


def test_a_header_that_never_ends_does_not_outlive_the_time_for_logins(cluster, wye_binary, tmp_path):
    one = start_wye(cluster, tmp_path, "--set", "proxy_protocol_networks=127.0.0.0/8", "--set", "login_timeout=1s")
    try:
        with contextlib.closing(connect_socket(one)) as made:
            made.settimeout(60)
            made.sendall(line()[:-1])
            while made.recv(4096):
                pass
    finally:
        one.finish()


def test_what_is_no_list_of_addresses_is_refused(proxied):
    for value, why in (("10.0.0.1/8", "bits of the address"), ("10.0.0.0/8 nobody", "'nobody'")):
        with pytest.raises(pymysql.MySQLError, match=why):
            proxied.console("SET proxy_protocol_networks = '%s'" % value)
