"""examples/web-stack: every configuration that it writes is what the program that reads it accepts.

Nothing of the stack is started: that takes root, and is done by hand (examples/web-stack/README.md). keepalived's is left out,
since its own test is about this machine's interfaces, too.
"""

import shutil
import subprocess
import sys

import pytest

from prometheus import promtool
from wye_process import REPOSITORY, binary

EXAMPLE = REPOSITORY / "examples" / "web-stack"


@pytest.fixture(scope="module")
def stack_class():
    sys.path.insert(0, str(EXAMPLE))
    try:
        from stack import Stack
        yield Stack
    finally:
        sys.path.remove(str(EXAMPLE))


@pytest.fixture(params=[("roundrobin", "active-passive"), ("leastconn", "active-active")], ids="-".join)
def stack(request, stack_class, tmp_path):
    """Written, with a certificate for HAProxy; on this machine's own interfaces and users, whoever runs this."""
    one = stack_class(tmp_path / "stack", *request.param)
    one.write()
    (one.directory / "ca").mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=site", "-days", "2", "-keyout",
                    one.directory / "ca" / "site.pem", "-out", one.directory / "ca" / "cert.pem"], check=True, capture_output=True)
    with open(one.directory / "ca" / "site.pem", "a") as both:
        both.write((one.directory / "ca" / "cert.pem").read_text())
    return one


def output_of(*command):
    program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert program, "%s is missing: tests/install tests" % command[0]
    done = subprocess.run([program, *map(str, command[1:])], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60)
    return done.returncode, done.stdout


def accepts(*command):
    status, output = output_of(*command)
    assert status == 0, output
    return output


def files(stack, program):
    return [one.directory / one.configuration for one in stack.components if one.program == program]


def test_haproxy_accepts_its_configuration(stack):
    for path in files(stack, "haproxy"):
        accepts("haproxy", "-c", "-f", path)


def test_nginx_accepts_its_configuration(stack):
    for path in files(stack, "nginx"):
        # It goes on to bind the address, which this machine does not have.
        assert "syntax is ok" in output_of("nginx", "-t", "-c", path, "-p", path.parent, "-e", "stderr")[1]


def test_prometheus_accepts_its_configuration(stack):
    for path in files(stack, "prometheus"):
        assert "SUCCESS" in promtool("check", "config", path)


def test_mariadb_knows_every_option(stack):
    for path in files(stack, "mariadb"):
        options = [line.split(" = ")[0] for line in path.read_text().splitlines() if " = " in line]
        known = accepts("mariadbd", "--no-defaults", "--verbose", "--help").replace("-", "_")
        assert options and not [name for name in options if name not in known]


def test_every_word_of_a_template_is_filled_in(stack):
    for path in stack.directory.glob("*/*/*.*"):
        if path.suffix in (".cfg", ".conf", ".cnf", ".env", ".yml"):
            assert "@" not in path.read_text().replace("monitor@", "").replace("@unanswered", ""), path


def test_wye_knows_every_option_of_its_environment(stack):
    known = subprocess.run([binary(), "help", "environment"], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
    settings = subprocess.run([binary(), "help", "settings"], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
    component = stack.component("web1/wye")
    environment = component.environment()
    for name in environment:
        assert name in ("PATH", "LC_ALL") or "  %s " % name in known, name
    for setting in environment["WYE_SET"].split():
        assert "\n  %s " % setting.partition("=")[0] in settings, setting
