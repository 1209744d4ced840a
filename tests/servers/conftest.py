import sys


def pytest_addoption(parser):
    parser.addoption("--flavor", default="mariadb,mysql", help="flavors to test, comma-separated")


def pytest_generate_tests(metafunc):
    if "cluster" in metafunc.fixturenames:
        # pytest keeps a fixture only while its parameter is the same object, so equal words must be one.
        flavors = [sys.intern(name) for name in metafunc.config.getoption("flavor").split(",")]
        metafunc.parametrize("cluster", flavors, indirect=True, scope="module")
