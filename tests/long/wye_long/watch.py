"""What wye holds while it runs: memory, files, threads, sessions; and whether it holds more and more."""

import dataclasses
import pathlib
import statistics
import time

KIB = 1024


@dataclasses.dataclass
class Sample:
    seconds: float
    memory: int  # KiB that are wye's own: Private_Dirty
    files: int
    threads: int
    clients: int
    connections: int


def sample(wye, begun):
    process = pathlib.Path("/proc/%d" % wye.pid)
    memory = 0
    for line in (process / "smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            memory = int(line.split()[1])
    threads = len(list((process / "task").iterdir()))
    files = len(list((process / "fd").iterdir()))
    (clients,) = wye.console("SELECT SUM(clients) AS n FROM stats_workers")
    (connections,) = wye.console("SELECT SUM(connections_used + connections_idle) AS n FROM stats_servers")
    return Sample(time.monotonic() - begun, memory, files, threads, int(clients["n"]), int(connections["n"]))


def median(samples, what):
    return statistics.median(getattr(one, what) for one in samples)


def thirds(samples):
    n = max(1, len(samples) // 3)
    return samples[:n], samples[n:2 * n], samples[2 * n:]


def grown(samples):
    """KiB by which the last third is above the middle one; the first fills caches."""
    _, middle, last = thirds(samples)
    return median(last, "memory") - median(middle, "memory")


def table(samples, rows=12):
    step = max(1, len(samples) // rows)
    lines = ["| minute | own memory MiB | files | threads | clients | connections |", "|---|---|---|---|---|---|"]
    for one in samples[::step]:
        lines.append("| %.1f | %.2f | %d | %d | %d | %d |" % (one.seconds / 60, one.memory / KIB, one.files, one.threads,
                                                              one.clients, one.connections))
    return "\n".join(lines)
