"""What the end-to-end tests share: real clusters, one a flavor and run, and a wye in front of each.

    /usr/bin/python3 -m pytest tests/e2e [--flavor mariadb,mysql] [--no-mysql] [--direct]

--direct puts the tests' clients straight on the primary, which proves the tests themselves; the tests that are
about wye alone are left out then.
"""

import contextlib
import pathlib
import signal
import sys

import pytest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "servers")]

from driver_programs import CommandLine  # noqa: E402
from endpoint import Endpoint, wait_until  # noqa: E402
from servers_seen import Witness  # noqa: E402
from wire_client import WireClient  # noqa: E402
from wye_cluster import Cluster  # noqa: E402
from wye_process import Wye  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--flavor", default="mariadb,mysql", help="clusters to test with, comma-separated")
    parser.addoption("--no-mysql", action="store_true", help="leave out MySQL: its servers and its client")
    parser.addoption("--direct", action="store_true", help="clients connect to the primary itself")


def pytest_configure(config):
    # A run that is told to stop takes down what it has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.addinivalue_line("markers", "flavor(name): only with servers of this flavor")
    config.addinivalue_line("markers", "heavy: looks at wye's own memory, which a sanitizer makes meaningless")


def flavors(config):
    chosen = [name for name in config.getoption("flavor").split(",") if name]
    left = [name for name in chosen if not (name == "mysql" and config.getoption("no_mysql"))]
    if not left:
        raise pytest.UsageError("no flavor is left to test with")
    return left


def pytest_generate_tests(metafunc):
    if "cluster" in metafunc.fixturenames:
        metafunc.parametrize("cluster", flavors(metafunc.config), indirect=True, scope="session")


def is_of_another_flavor(item):
    """What only one flavor's servers can do is no test of the others."""
    only = item.get_closest_marker("flavor")
    return only and item.callspec.params["cluster"] not in only.args


def pytest_collection_modifyitems(config, items):
    """What needs wye is no test of a direct run, and what needs MySQL's client none of a run without MySQL."""
    lacking = set()
    if config.getoption("direct"):
        lacking |= {"wye", "wye_binary"}
    if config.getoption("no_mysql"):
        lacking.add("mysql_client")
    left_out = [item for item in items if lacking.intersection(item.fixturenames) or is_of_another_flavor(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def cluster(request, tmp_path_factory):
    """The cluster of this flavor, with a row on every server that tells which server it is (servers_seen.py)."""
    with Cluster(request.param, replicas=2, directory=tmp_path_factory.mktemp(request.param)) as one:
        one.witness = Witness(one)
        yield one


@pytest.fixture
def witness(cluster):
    return cluster.witness


@pytest.fixture(scope="session")
def flavor(cluster):
    return cluster.flavor


@contextlib.contextmanager
def writable(root, server):
    """A plugin is not replicated."""
    root.run("SET sql_log_bin = 0")
    if not server.is_primary:
        root.run("SET GLOBAL super_read_only = 0")
    yield
    if not server.is_primary:
        root.run("SET GLOBAL super_read_only = 1")


@pytest.fixture(scope="session")
def foreign_plugin(cluster):
    """One by which wye lets nobody in, and which all servers have."""
    if cluster.flavor == "mariadb":
        return "unix_socket"
    for server in cluster.servers:
        with cluster.witness.root(server) as root, writable(root, server):
            root.run("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'")
    return "auth_socket"


@pytest.fixture(scope="session")
def wye_binary():
    """Marks the tests that start a wye of their own."""


@pytest.fixture(scope="session")
def mysql_client():
    """The command line client of the MySQL tree."""
    return CommandLine("mysql")


def start_wye(cluster, directory, *arguments, env=None):
    """A ready wye in front of the cluster, with every replica in its pool."""
    wye = Wye(directory, *arguments, cluster.monitor_url(), env=env)
    try:
        wye.ready()
        wye.wait_pool(cluster.replicas)
    except BaseException:
        wye.kill()
        raise
    return wye


@pytest.fixture
def wyes(tmp_path, wye_binary):
    """Starts as many as a test needs; what still runs behind it ends as promised."""
    started = []

    def start(*arguments, replicas=(), env=None):
        one = Wye(tmp_path / ("wye%d" % len(started)), *arguments, env=env)
        started.append(one)
        one.ready()
        if replicas:
            one.wait_pool(replicas)
        return one

    yield start
    for one in started:
        if one.process.poll() is None:
            one.finish()


@pytest.fixture(scope="module")
def wye_options():
    """What a module's wye is started with, besides the address; a module may have its own."""
    return []


class OneAtATime:
    """A module's wye. One that died is an error of the test it died in; the next test gets another."""

    def __init__(self, start):
        self.start = start
        self.wye = None

    def get(self):
        if self.wye is None or self.wye.process.poll() is not None:
            self.wye = self.start()
        return self.wye


@pytest.fixture(scope="module")
def module_wye(cluster, wye_options, tmp_path_factory):
    """One wye for a module's tests; its end is checked too."""
    kept = OneAtATime(lambda: start_wye(cluster, tmp_path_factory.mktemp("wye"), *wye_options))
    kept.get()
    try:
        yield kept
        if kept.wye.process.poll() is None:
            kept.wye.finish()
    finally:
        kept.wye.kill()


@pytest.fixture
def wye(module_wye):
    """The module's wye, which must survive the test."""
    one = module_wye.get()
    yield one
    one.check_alive()


@pytest.fixture
def endpoint(request, cluster):
    """Where the clients of a test connect that must pass directly and through wye alike."""
    if request.config.getoption("direct"):
        return Endpoint(cluster.primary.host, cluster.primary.port, str(cluster.primary.socket))
    return request.getfixturevalue("wye")


@pytest.fixture
def hurt(cluster, wye):
    """The cluster for a test that stops or kills servers: afterwards all is as it was, also for wye."""
    yield cluster
    heal(cluster)
    cluster.witness.restore()
    wye.wait_pool(cluster.replicas)
    wait_until(lambda: wye.servers()[cluster.primary.address]["state"] == "up", "wye to have the primary again")


def heal(cluster):
    cluster.revive()
    for row in cluster.status():
        if row["sql"] == "No":
            cluster.start_sql(row["name"])
    cluster.wait_caught_up(timeout=60)


@pytest.fixture
def client(endpoint, flavor):
    """Opens clients; over TLS where that is offered, so that a cold password cache does not matter."""
    opened = []

    def connect(**options):
        one = WireClient(endpoint, tls=flavor == "mysql", **options)
        opened.append(one)
        return one

    yield connect
    for one in opened:
        one.close()
