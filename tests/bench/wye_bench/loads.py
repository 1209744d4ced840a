"""The loads: sysbench's, with figures for each statement, and a few that it does not have."""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parents[1]
TABLES, ROWS = 4, 20000
FOLDER = None  # where sysbench runs


@dataclasses.dataclass(frozen=True)
class Load:
    name: str
    script: str               # sysbench's, or a file of this folder
    clients: int
    prepared: bool = False
    tls: bool = False
    options: tuple = ()
    statements_each: int = 1  # statements in one of sysbench's events that it does not count
    bytes_each: int = 0       # of an answer: its cost is told per gigabyte

    @property
    def label(self):
        extra = [word for word, on in (("prepared", self.prepared), ("TLS", self.tls)) if on]
        return "%s, %d client%s%s" % (self.name, self.clients, "s" if self.clients > 1 else "",
                                      "".join(", " + word for word in extra))


def command(target, script, *options):
    path = HERE / script if script.endswith(".lua") else script
    return ["sysbench", str(path), "--db-driver=mysql", "--mysql-host=" + target.host, "--mysql-port=%d" % target.port,
            "--mysql-user=sbtest", "--mysql-password=sbtest", "--mysql-db=sbtest", "--tables=%d" % TABLES,
            "--table-size=%d" % ROWS, "--rand-type=uniform", *options]


def certificates(folder):
    """sysbench reads these names in its own folder, and insists on them."""
    if not (folder / "cacert.pem").exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "client-key.pem", "-out",
                        "client-cert.pem", "-days", "2", "-subj", "/CN=bench"], check=True, cwd=str(folder),
                       stderr=subprocess.DEVNULL)
        shutil.copy(folder / "client-cert.pem", folder / "cacert.pem")


def certificate_settings(folder):
    """wye shows the certificate that sysbench trusts."""
    return ["tls_cert=%s" % (folder / "client-cert.pem"), "tls_key=%s" % (folder / "client-key.pem")]


def sysbench(target, script, verb, *options, cores=None, timeout=600):
    pinned = ["taskset", "-c", ",".join(map(str, cores))] if cores else []
    done = subprocess.run(pinned + command(target, script, *options) + [verb], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=timeout,
                          cwd=tempfile.gettempdir() if FOLDER is None else str(FOLDER))
    if done.returncode:
        raise RuntimeError("%s: sysbench %s: %s" % (target.name, script, done.stdout[-1500:]))
    return done.stdout


def prepare(cluster, target):
    cluster.sql(cluster.primary, "DROP DATABASE IF EXISTS sbtest; CREATE DATABASE sbtest;")
    sysbench(target, "oltp_read_write", "prepare")
    cluster.wait_caught_up(timeout=120)


def number(output, pattern):
    found = re.search(pattern, output)
    return float(found.group(1)) if found else 0.0


def percentiles(output):
    """p50, p95 and p99 in milliseconds, of sysbench's histogram."""
    rows = [(float(value), int(count)) for value, count in re.findall(r"^\s*([\d.]+) \|\**\s+(\d+)$", output, re.M)]
    total, found = sum(count for _, count in rows), {}
    for share in (50, 95, 99):
        seen = 0
        for value, count in rows:
            seen += count
            if seen * 100 >= total * share:
                found["p%d_ms" % share] = value
                break
    return found


def run(load, target, seconds, cores):
    """What sysbench saw: statements, their number a second, latencies, errors."""
    output = sysbench(target, load.script, "run", "--threads=%d" % load.clients, "--time=%d" % seconds, "--histogram=on",
                      "--db-ps-mode=" + ("auto" if load.prepared else "disable"),
                      *(["--mysql-ssl=on"] if load.tls else []), *load.options, cores=cores, timeout=seconds + 300)
    statements = (number(output, r"\n\s+total:\s+(\d+)") or number(output, r"transactions:\s+(\d+)")) * \
        load.statements_each
    elapsed = number(output, r"total time:\s+([\d.]+)s") or seconds
    return {"statements": statements, "per_second": statements / elapsed,
            "errors": number(output, r"ignored errors:\s+(\d+)"), **percentiles(output)}


def fake_cases(quick):
    """In front of servers that answer at once: the proxy's own cost."""
    clients = (1, 64) if quick else (1, 16, 64, 256, 2000)
    found = [Load("fake servers: point select", "oltp_point_select", n, prepared)
             for prepared in (False, True) for n in clients]
    if quick:
        found.pop()
    found.append(Load("fake servers: 10,000 rows", "rows.lua", 4, bytes_each=10000 * 193))
    found.append(Load("fake servers: login", "login.lua", 16))
    return found


def cases(quick):
    clients = (1, 64, 256) if quick else (1, 16, 64, 256, 2000)
    found = [Load("point select", "oltp_point_select", n, prepared) for prepared in (False, True) for n in clients]
    for name, script in (("read only", "oltp_read_only"), ("read write", "oltp_read_write"),
                         ("update index", "oltp_update_index")):
        found += [Load(name, script, n) for n in ((64,) if quick else (16, 64))]
    found.append(Load("10,000 rows", "rows.lua", 4, bytes_each=10000 * 193))
    found.append(Load("login", "login.lua", 16))
    found.append(Load("login", "login.lua", 16, tls=True))
    return found
