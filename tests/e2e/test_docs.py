"""Every block of README.md, its neighbours and docs/ that can be run runs (documents.py says how)."""

import os
import pathlib
import re
import shlex
import subprocess

import pytest

from documents import ELSEWHERE, KINDS, ON_SERVER, PROGRAMS, blocks
from driver_programs import CONNECTOR_J, node_modules
from endpoint import wait_until
from wye_process import REPOSITORY, Wye, binary, environment, process_session

PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md"), *(REPOSITORY / "examples").glob("*/*.md")])
TO_RUN = [page for page in PAGES if any(block.kind not in ("text", "console elsewhere") for block in blocks(page))]

# What runs the programs; a Java program is compiled on its way.
RUN_BY = {"python app": ["/usr/bin/python3"], "ruby app": ["ruby"], "php app": ["php"], "javascript app": ["node"],
          "java app": ["java", "-XX:+UseSerialGC", "-cp", CONNECTOR_J]}

PATIENCE = 120
PATIENCE_TO_UPGRADE = 240  # the next one has two minutes to be ready

# What pages speak of as /etc/...
FILES = {
    "proxysql.cnf": 'mysql_servers = ( { address="10.0.0.1", port=3306, hostgroup=10 }, { address="10.0.0.2", port=3306, '
                    'hostgroup=20 } )\nmysql_users = ( { username="app", password="app", default_hostgroup=10 } )\n',
    "maxscale.cnf": "[db1]\ntype=server\naddress=10.0.0.1\nport=3306\n",
}


def name_of(page):
    return str(page.relative_to(REPOSITORY))


class Page:
    """The environment of one page: its folder, its account on the servers, its wye."""

    def __init__(self, cluster, directory):
        self.cluster, self.directory = cluster, directory
        self.wye = None
        (directory / "build").mkdir()
        (directory / "etc").mkdir()
        for name in ("wye", "build/wye"):
            (directory / name).symlink_to(binary())
        for name, text in FILES.items():
            (directory / "etc" / name).write_text(text)

    def here(self, text):
        """A text of the page, with the addresses, the account and the files that are there in this test."""
        text = text.replace("monitor:password@10.0.0.1:3306", "documented:password@" + self.cluster.primary.address)
        text = text.replace("monitor@'%'", "documented@'%'")
        text = text.replace("db4:3306", "127.0.0.1:4").replace("db9:3306", "127.0.0.1:9")
        text = text.replace(" /etc/", " %s/etc/" % self.directory)
        if self.wye:
            for port, is_here in ((6033, self.wye.port), (6032, self.wye.admin_port), (6070, self.wye.http_port)):
                text = re.sub(r"\b%d\b" % port, str(is_here), text)
        return text

    def run(self, command, text=""):
        more = {"PATH": "%s:%s" % (self.directory, os.environ["PATH"]), "HOME": str(self.directory),
                "NODE_PATH": str(node_modules())}
        if self.wye:
            more["PID"] = str(self.wye.pid)
        done = subprocess.run(command, input=text, cwd=self.directory, env=environment(**more), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", timeout=PATIENCE)
        assert done.returncode == 0, "%s\n%s\n%s" % (command, text, done.stdout)
        return done.stdout

    def ask(self, port, statements, *more):
        return self.run(["mariadb", "--no-defaults", "--comments", "-h", "127.0.0.1", "-P", str(port), *more],
                        self.here(statements))

    def start(self, *arguments):
        self.wye = Wye(self.directory / "run", *arguments)
        self.wye.ready()
        self.wye.wait_pool(self.cluster.replicas)

    # --- one block ---

    def do(self, block):
        if block.kind in ON_SERVER:
            if block.kind in ("sql server", "sql " + self.cluster.flavor):
                self.cluster.sql(self.cluster.primary, self.here(block.text))
        elif block.kind == "console start":
            (command,) = block.commands()
            self.start(*shlex.split(self.here(command))[1:])
        elif block.kind == "sql console":
            self.ask(self.wye.admin_port, block.text, "-u", "admin")
        elif block.kind == "sql client":
            self.ask(self.wye.port, block.text, "-u", "app", "-papp", "app")
        elif block.kind in PROGRAMS:
            program = self.directory / PROGRAMS[block.kind]
            program.write_text(self.here(block.text))
            self.run([*RUN_BY[block.kind], str(program)])
        elif block.kind in ("console", "console ends"):
            commands = block.commands()
            assert commands, "no line begins with '$ '"
            for command in commands:
                self.run(["bash", "-euo", "pipefail", "-c", self.here(command)])
            if block.kind == "console ends":
                wait_until(lambda: self.wye.process.poll() is not None, "the wye of this page to end", PATIENCE_TO_UPGRADE)

    def end(self):
        """Whether it still runs or has left a successor."""
        if self.wye and self.wye.process.poll() is None:
            self.wye.finish()

    def kill(self):
        if self.wye:
            for pid in process_session(self.wye.pid):
                os.kill(pid, 9)
            self.wye.kill()


@pytest.fixture
def page(request, cluster, wye_binary, tmp_path):
    one = Page(cluster, tmp_path)
    own_account = "CREATE USER monitor@" in request.param.read_text()
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.goods (id INT PRIMARY KEY, stock INT)")
        root.run("DROP USER IF EXISTS documented@'%'")
        if not own_account:
            root.run("CREATE USER documented@'%' IDENTIFIED BY 'password'")
            root.run("GRANT ALL ON *.* TO documented@'%'")
    one.path = request.param
    try:
        yield one
    finally:
        one.kill()
        with cluster.witness.root(cluster.primary) as root:
            root.run("DROP TABLE IF EXISTS app.goods")
            root.run("DROP USER IF EXISTS documented@'%'")
        cluster.wait_caught_up()


@pytest.mark.parametrize("page", TO_RUN, ids=name_of, indirect=True)
def test_the_blocks_of_a_page_run(page, cluster):
    found = blocks(page.path)
    starts = any(block.kind == "console start" for block in found)
    later = [block for block in found if block.kind not in ON_SERVER]
    for block in found:
        if block.kind in ON_SERVER:
            page.do(block)
    cluster.wait_caught_up()
    if not starts:
        page.start(cluster.monitor_url())
    # What starts wye comes first, wherever it stands.
    for block in sorted(later, key=lambda block: block.kind != "console start"):
        try:
            page.do(block)
        except AssertionError as error:
            raise AssertionError("%s:%d: %s" % (name_of(page.path), block.line, error)) from None
    page.end()


# --- the pages themselves: no matter which servers ---

@pytest.mark.parametrize("path", PAGES, ids=name_of)
@pytest.mark.flavor("mariadb")
def test_every_block_says_what_it_is(path, flavor):
    for block in blocks(path):
        assert block.kind in KINDS, "%s:%d: '%s' is no kind of block" % (name_of(path), block.line, block.kind)
        if block.kind == "console elsewhere":
            unknown = [command for command in block.commands() if command not in ELSEWHERE]
            assert not unknown, "%s:%d: nobody runs %s" % (name_of(path), block.line, unknown)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
@pytest.mark.flavor("mariadb")
def test_what_a_page_points_to_is_there(path, flavor):
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    for name in re.findall(r"(?<![\w/`])(?:docs|examples|tests|cmake|proxy|protocol|router)/[\w./-]*\w", text):
        assert (REPOSITORY / name).exists(), "%s speaks of %s" % (name_of(path), name)
    for name in re.findall(r"\b([\w-]+\.md)\b", text):
        assert any((pathlib.Path(base) / name).exists() for base in (path.parent, REPOSITORY, REPOSITORY / "docs")), name
