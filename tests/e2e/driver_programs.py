"""The programs of drivers/: how each is prepared and run, and what it can do."""

import dataclasses
import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

DRIVERS = pathlib.Path(__file__).resolve().parent / "drivers"
STEPS = "session types write transaction procedure several errors many big refused".split()
CONNECTOR_J = "/usr/share/java/mariadb-java-client.jar"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def cache():
    return pathlib.Path(os.environ.get("WYE_CACHE") or pathlib.Path.home() / ".cache" / "wye")


def node_modules():
    """Where tests/install has put mysql2."""
    folder = pathlib.Path(os.environ.get("NODE_PATH") or cache() / "node" / "node_modules")
    assert (folder / "mysql2").exists(), "node's mysql2 is missing: tests/install tests"
    return folder


@functools.lru_cache(maxsize=None)
def java_classes():
    folder = tempfile.TemporaryDirectory(prefix="wye-java-")
    subprocess.run(["javac", "-encoding", "UTF-8", "-d", folder.name, str(DRIVERS / "WithConnectorJ.java")], check=True,
                   stdin=subprocess.DEVNULL, timeout=300)
    return folder


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    mode: str = ""

    def command(self):
        return {
            "pymysql": lambda: ["/usr/bin/python3", str(DRIVERS / "with_pymysql.py")],
            "mysqlclient": lambda: ["/usr/bin/python3", str(DRIVERS / "with_mysqlclient.py")],
            "mysql2": lambda: ["node", str(DRIVERS / "with_mysql2.js")],
            "mysqli": lambda: ["php", str(DRIVERS / "with_mysqli.php")],
            "pdo": lambda: ["php", str(DRIVERS / "with_pdo.php")],
            "dbd_mariadb": lambda: ["perl", str(DRIVERS / "with_dbd_mariadb.pl")],
            "connector_j": lambda: ["java", "-XX:+UseSerialGC", "-Xmx2g", "-Dfile.encoding=UTF-8", "-cp",
                                    java_classes().name + ":" + CONNECTOR_J, "WithConnectorJ"],
        }[self.name]()

    @property
    def table(self):
        return "written_by_%s%s" % (self.name, "_" + self.mode if self.mode else "")

    def run(self, endpoint, directory, tls=False, steps=STEPS, user="app", password="app"):
        """What the program prints; it must end well."""
        options = pathlib.Path(directory) / "driver-options.cnf"
        options.write_text("[client]\nmax-allowed-packet=268435456\n")
        settings = {"HOST": endpoint.host, "PORT": endpoint.port, "USER": user, "PASSWORD": password, "DATABASE": "app",
                    "TLS": int(tls), "MODE": self.mode, "CA": CERTIFICATES, "STEPS": ",".join(steps),
                    "TABLE": self.table, "OPTIONS": options}
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONDONTWRITEBYTECODE": "1",
                       **{"WYE_E2E_" + name: str(value) for name, value in settings.items()}}
        if self.name == "mysql2":
            environment["NODE_PATH"] = str(node_modules())
        done = subprocess.run(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=300, env=environment, encoding="utf-8", errors="backslashreplace")
        assert done.returncode == 0, "%s ended with status %d:\n%s" % (self.name, done.returncode, done.stdout[-4000:])
        return done.stdout


@dataclasses.dataclass(frozen=True)
class CommandLine:
    """The command line client of a vendor: `mariadb` of the distribution, `mysql` of the MySQL tree."""
    name: str

    @property
    def table(self):
        return "written_by_%s_cli" % self.name

    def command(self, endpoint, tls, password="app", user="app"):
        own = {"mariadb": self._mariadb, "mysql": self._mysql}[self.name](tls)
        return own + ["--host=" + endpoint.host, "--port=%d" % endpoint.port, "--protocol=tcp", "--user=" + user,
                      "--password=" + password, "--default-character-set=utf8mb4", "--max-allowed-packet=512M"]

    @staticmethod
    def _mariadb(tls):
        return [shutil.which("mariadb"), "--no-defaults", "--ssl" if tls else "--skip-ssl"]

    @staticmethod
    def _mysql(tls):
        from wye_cluster.mysql import MySQL
        from wye_cluster.mysql import tree
        return MySQL().client_command() + ["--plugin-dir=%s" % (tree() / "usr/lib/mysql/plugin"),
                                           "--ssl-mode=%s" % ("REQUIRED" if tls else "DISABLED")]

    def ask(self, endpoint, statements, *options, tls=False, **account):
        """The CompletedProcess of a run with statements on standard input; its output has errors in it too."""
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        done = subprocess.run(self.command(endpoint, tls, **account) + list(options) + ["app"], input=statements,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, env=environment,
                              encoding="utf-8", errors="backslashreplace")
        done.stdout = re.sub(r"mysql: \[Warning\] Using a password.*\n", "", done.stdout)
        return done

    def run(self, endpoint, directory, tls=False, steps=STEPS):
        # The script has all steps but two; asked for fewer, a client does only those two.
        output = ""
        if "write" in steps:
            script = (DRIVERS / "cli.sql").read_text().replace("@TABLE@", self.table)
            output = self.ask(endpoint, script, "--force", "--table", "--column-type-info", tls=tls).stdout
        text = "0123456789abcdef" * (4 << 20)
        big = self.ask(endpoint, "SELECT '%s' AS v, 1" % text, "--batch", "--skip-column-names", tls=tls)
        assert big.returncode == 0 and big.stdout == text + "\t1\n", big.stdout[:300]
        refused = self.ask(endpoint, "SELECT 1", tls=tls, password="wrong")
        return output + "status %d %s" % (refused.returncode, refused.stdout)


PROGRAMS = [CommandLine("mariadb"), CommandLine("mysql"), Program("pymysql"), Program("mysqlclient"), Program("mysql2"),
            Program("mysqli"), Program("pdo", "emulated"), Program("pdo", "native"), Program("dbd_mariadb", "text"),
            Program("dbd_mariadb", "native"), Program("connector_j", "text"), Program("connector_j", "native")]
