"""Every driver's program prints through wye what it prints on the primary itself."""

import contextlib
import difflib
import hashlib
import re
import sys

import pytest

from conftest import HERE
from driver_programs import PROGRAMS
from endpoint import Endpoint
from wiretap import Wiretap

sys.path.insert(0, str(HERE / "drivers"))
import schema  # noqa: E402


def pytest_generate_tests(metafunc):
    if "program" in metafunc.fixturenames:
        without_mysql = metafunc.config.getoption("no_mysql")
        chosen = [one for one in PROGRAMS if not (without_mysql and one.name == "mysql")]
        metafunc.parametrize("program", chosen, ids=["-".join(filter(None, (p.name, getattr(p, "mode", "cli"))))
                                                     for p in chosen], scope="module")


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("USE app")
        for statement in schema.statements(cluster.flavor):
            root.run(statement)
    cluster.wait_caught_up()


def run(program, cluster, endpoint, directory, tls=False):
    """What a program prints, begun without the table it makes and with warm password caches on the servers.

    Some drivers cannot log in to a MySQL server with a cold cache without TLS; that has nothing to do with wye.
    """
    with cluster.witness.root(cluster.primary) as root:
        root.run("DROP TABLE IF EXISTS app.%s" % program.table)
    cluster.wait_caught_up()
    if endpoint.port == cluster.primary.port:
        with contextlib.suppress(AssertionError):
            endpoint.connect(tls=True).close()
    return program.run(endpoint, directory, tls)


@pytest.fixture(scope="module")
def direct(cluster, program, tmp_path_factory):
    """What a program prints when it is connected to the primary, without TLS: computed once for its tests."""
    endpoint = Endpoint(cluster.primary.host, cluster.primary.port)
    return run(program, cluster, endpoint, tmp_path_factory.mktemp("direct"))


def same(through_wye, direct):
    difference = list(difflib.unified_diff(direct.splitlines(), through_wye.splitlines(), "direct", "wye", lineterm="",
                                           n=2))
    assert not difference, "\n".join(line[:300] for line in difference[:80])


ERRORS_MEANT = {1062, 1146, 1064, 1054, 1049, 1142, 1044, 1045, 1292}


def test_directly_a_program_does_all_its_steps(program, direct):
    """What is compared below is worth comparing: every step is there, and no error that was not asked for."""
    numbers = {int(number) for line in direct.splitlines() if "error" in line.lower()
               for number in re.findall(r"\b\d{4}\b", line)}
    assert numbers <= ERRORS_MEANT, numbers - ERRORS_MEANT
    assert {1062, 1146, 1064, 1054, 1045} <= numbers, direct[-2000:]
    assert "still there" in direct and "not refused" not in direct
    if program.name not in ("mariadb", "mysql"):
        digest = hashlib.sha256(b"0123456789abcdef" * (4 << 20)).hexdigest()
        assert "67108864 " + digest in direct


def test_a_program_prints_the_same_through_wye(program, direct, cluster, wye, tmp_path):
    same(run(program, cluster, wye, tmp_path), direct)


def test_a_program_prints_the_same_through_wye_with_tls(program, direct, cluster, wye, tmp_path):
    with Wiretap(wye) as tapped:
        same(run(program, cluster, tapped, tmp_path, tls=True), direct)
    assert tapped.encrypted and all(tapped.encrypted)


def test_a_64_mib_value_that_was_written_through_wye_is_read_back(wye):
    with wye.session(max_allowed_packet=256 << 20) as session:
        session.run("DROP TABLE IF EXISTS big_values")
        session.run("CREATE TABLE big_values (id INT PRIMARY KEY, v LONGBLOB)")
        for number, value in enumerate((b"\x00\xff'\\" * (16 << 20), b"", b"x" * ((16 << 20) - 1), b"y" * (16 << 20))):
            session.run("INSERT INTO big_values VALUES (%s, _binary %s)", [number, value])
            assert session.value("SELECT v FROM big_values WHERE id = %s", [number]) == value
        session.run("DROP TABLE big_values")
