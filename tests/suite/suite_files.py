"""The servers' test files: which there are, and which cannot be run against servers that somebody else has started.

What is left out, and why, is decided by what a test's files say, never by its name.
"""

import dataclasses
import functools
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent

# Words of a test, or of a file it sources, that need more than a client and a server.
NEEDS = (
    ("restarts the server", re.compile(
        r"(?:restart_mysqld|start_mysqld|shutdown_mysqld|kill_mysqld|force_restart|kill_and_restart\w*|restart_\w+)\.inc"
        r"|^\s*(?:--\s*)?shutdown(?:_server)?\b|^\s*restart\s*;", re.M | re.I)),
    ("replicates by itself", re.compile(
        r"(?:rpl/\w+|master-slave|rpl_init|rpl_connection_master|setup_fake_relay_log|start_slave|rpl_end)\.inc"
        r"|^\s*(?:--\s*)?(?:reset\s+(?:master|binary\s+logs)|change\s+(?:master|replication))\b", re.M | re.I)),
    ("needs a debug build", re.compile(r"(?:have_debug|have_debug_sync|have_debug_fail)\.inc", re.I)),
    ("needs the embedded server", re.compile(r"include/is_embedded\.inc", re.I)),
    ("needs hours or gigabytes", re.compile(r"(?:big_test|long_test|only_big_test)\.inc", re.I)),
    ("starts servers or reads their files", re.compile(
        r"\$(?:MYSQLD_CMD|MYSQLD_BOOTSTRAP_CMD|MYSQLD|MYSQL_INSTALL_DB_EXE|MYSQLD_LAST_CMD|XTRABACKUP|MYSQLD_SAFE)\b")),
)
# What can hold through no proxy that splits reads; such tests run, and are counted apart, whatever comes of them.
#
# Files of tables (or of the servers' own schemas) that a test puts below a server's data folder, or takes away there: the
# replicas keep theirs, so what is read of such a table is another thing wherever reads are split.
DATA = r"\$\w*datadir\w*/[\w$-]+/"
TABLE_FILE = r"[^\s;]*\.(?:frm|MY[ID]|MA[ID]|TR[GNM]|ibd|CS[VM]|MRG|par|sdi|AR[MZ]|opt|cfg)\b"
NO_PROXY = (
    ("changes tables' files under one server", re.compile(
        r"^\s*(?:--\s*)?(?:(?:(?:write|append|move|remove)_file|chmod\s+\d+)\s+%(data)s%(file)s"
        r"|(?:copy_files?|move_file|remove_files)(?:_wildcard)?\s[^\n;]*\s?%(data)s[^\s;]*\s*\S*\s*;?\s*$"
        r"|(?:exec|system)\s[^\n]*(?:\$\w*(?:PACK|CHK)\w*|\b(?:cp|mv|rm|ln))\s[^\n]*%(data)s)"
        r"|\bsysopen\b" % {"data": DATA, "file": TABLE_FILE}, re.M | re.I)),
)
SOURCED = re.compile(r"^\s*(?:--\s*)?source\s+([^\s;]+)", re.M | re.I)

# Files beside a test that mysql-test-run starts its servers with.
OPTION_FILES = ("{0}.opt", "{0}-master.opt", "{0}-slave.opt", "{0}.cnf", "{0}-master.sh", "{0}-slave.sh",
                "{0}.combinations")


@dataclasses.dataclass(frozen=True)
class SuiteTest:
    name: str  # suite.test
    path: pathlib.Path
    suite: pathlib.Path  # the folder of its suite


@functools.lru_cache(maxsize=None)
def root(flavor):
    """The folder that mysql-test-run would run in."""
    tree = pathlib.Path(subprocess.run([str(HERE / "tree"), flavor], check=True, stdout=subprocess.PIPE,
                                       encoding="utf-8").stdout.strip())
    return tree / ("usr/share/mysql/mysql-test" if flavor == "mariadb" else "usr/lib/mysql-test")


def tree(flavor):
    return root(flavor).parents[3 if flavor == "mariadb" else 2]


def discover(flavor, suite):
    """The tests of one suite; "main" is the servers' first."""
    top = root(flavor)
    if suite == "main":
        places = [top / ("main" if flavor == "mariadb" else "t")]
    else:
        places = [top / "suite" / suite / "t", top / "suite" / suite, top / "plugin" / suite]
    for place in places:
        found = sorted(place.glob("*.test"))
        if found:
            base = place.parent if place.name == "t" else place
            return [SuiteTest("%s.%s" % (suite, path.stem), path, base) for path in found]
    raise SystemExit("suite: no suite %r: main, or one of %s" % (suite, ", ".join(
        sorted(path.name for path in (top / "suite").iterdir() if path.is_dir()))))


def reason_to_leave_out(flavor, test):
    """Why a test cannot be run here, or None."""
    stem = test.path.with_suffix("")
    for pattern in OPTION_FILES:
        if pathlib.Path(pattern.format(stem)).exists():
            return "needs server options"
    return _reason(NEEDS, root(flavor), test, test.path, set())


def reason_to_count_apart(flavor, test):
    """Why a test cannot be the same through any proxy that splits reads, or None."""
    return _reason(NO_PROXY, root(flavor), test, test.path, set())


def _reason(rules, top, test, path, seen):
    seen.add(path)
    text = _text(path)
    for reason, pattern in rules:
        if pattern.search(text):
            return reason
    for name in SOURCED.findall(text):
        found = next((one for one in (top / name, test.suite / name, test.path.parent / name) if one.is_file()), None)
        if found and found not in seen:
            reason = _reason(rules, top, test, found, seen)
            if reason:
                return reason
    return None


@functools.lru_cache(maxsize=None)
def _text(path):
    """The file without the lines that are comments."""
    lines = path.read_text("utf-8", "replace").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))
