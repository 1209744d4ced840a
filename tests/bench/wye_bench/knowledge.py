"""What wye knows of its replicas' positions: how long after they have applied something, and what that costs."""

import bisect
import random
import re
import threading
import time

from endpoint import Endpoint, wait_until
from wye_bench.measured import Measured


def _number(position):
    """The last number of a position: all transactions here are of one source."""
    return int(re.findall(r"\d+", position or "0")[-1])


class _Watch:
    """Asks wye again and again what it knows of a replica; keeps when each number was first known."""

    def __init__(self, wye, replica):
        self.numbers, self.times = [0], [0.0]
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(wye, replica))

    def _run(self, wye, replica):
        with Endpoint("127.0.0.1", wye.admin_port).session("admin", "", None) as console:
            while not self.stop.wait(0.0005):
                position = console.value("SELECT position FROM stats_servers WHERE server = '%s'" % replica.address)
                now, number = time.monotonic(), _number(position)
                if number > self.numbers[-1]:
                    self.numbers.append(number)
                    self.times.append(now)

    def known_at(self, number):
        return self.times[bisect.bisect_left(self.numbers, number)]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def delays(cluster, wye, samples, pause):
    """Seconds from a replica's having applied something to wye's knowing it, sorted."""
    replica, applied = cluster.replicas[0], []
    with cluster.witness.root(cluster.primary) as primary, cluster.witness.root(replica) as there, \
            _Watch(wye, replica) as watch:
        for i in range(samples):
            primary.run("UPDATE app.stale SET v = v + 1 WHERE id = 500")
            position = primary.value(cluster.kind.position).replace("\n", "")
            assert there.value(cluster.kind.wait_sql(position, 10)) == 1
            applied.append((time.monotonic(), _number(position)))
            # At no fixed distance to wye's own looks.
            time.sleep(pause * (0.5 + random.random()))
        time.sleep(1)
    return sorted(max(0.0, watch.known_at(number) - at) for at, number in applied)


def costs(cluster, wye, seconds):
    """Per cent of a core that each server and wye use."""
    processes = {server.name: Measured(server.pid) for server in cluster.servers}
    processes["wye"] = Measured(wye.pid)
    before = {name: sum(one.cpu()) for name, one in processes.items()}
    time.sleep(seconds)
    return {name: 100 * (sum(one.cpu()) - before[name]) / seconds for name, one in processes.items()}


class Writing:
    """While it lasts, rows of 1,000 bytes are written as fast as one connection can: .rate tells how many a second."""

    def __init__(self, cluster):
        self.cluster, self.stop = cluster, threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        done, since = 0, time.monotonic()
        with self.cluster.witness.root(self.cluster.primary) as primary:
            primary.run("CREATE TABLE IF NOT EXISTS app.stale_rows (id INT PRIMARY KEY, v VARCHAR(1000))")
            while not self.stop.is_set():
                primary.run("REPLACE INTO app.stale_rows VALUES (%s, REPEAT(CHAR(65 + %s %% 26), 1000))", [done % 1000, done])
                done += 1
        self.rate = done / (time.monotonic() - since)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def stream(cluster, wye, samples, print_delays, print_costs):
    """The same with position_stream=on; where this wye's client library cannot follow such servers, that is said."""
    right = "REPLICATION SLAVE, %s ON *.*" % ("BINLOG MONITOR" if cluster.flavor == "mariadb" else "REPLICATION CLIENT")
    with cluster.witness.root(cluster.primary) as root:
        root.run("GRANT %s TO monitor" % right)
    cluster.wait_caught_up()
    for state in "off", "on":
        wye.console("SET position_stream = " + state)
        if state == "on":
            wait_until(lambda: wye.log().count("following the binary log") >= 2 or "cannot follow" in wye.log(),
                       "the logs to be followed")
            if "cannot follow" in wye.log():
                print("the binary logs: not followed, this wye's client library cannot follow such servers", flush=True)
                return
            print_delays("applied -> known, binary logs followed", delays(cluster, wye, samples, 0.12))
        with Writing(cluster) as writing:
            print_costs("of a core, writes of 1 KB, stream %s" % state)
        print("%-46s %.0f writes/s" % ("", writing.rate), flush=True)
        cluster.wait_caught_up()
    wye.console("SET position_stream = off")


def tell(cluster, wye, samples, seconds):
    def print_delays(name, found):
        print("%-46s p50 %6.2f ms  p99 %6.2f ms" % (name, 1000 * found[len(found) // 2],
                                                     1000 * found[len(found) * 99 // 100]), flush=True)

    def print_costs(name):
        print("%-46s %s" % (name, "  ".join("%s %.2f %%" % pair for pair in costs(cluster, wye, seconds).items())),
              flush=True)
    print_delays("applied -> known, idle (looks every 50 ms)", delays(cluster, wye, samples, 0.12))
    wye.console("SET position_interval = '2ms'")
    print_delays("applied -> known, busy (looks every 2 ms)", delays(cluster, wye, samples, 0.02))
    print_costs("of a core, looks every 2 ms")
    wye.console("SET position_interval = '50ms'")
    print_costs("of a core, looks every 50 ms")
    wye.console("SET position_interval = '1m'")
    print_costs("of a core, hardly any looks")
    wye.console("SET position_interval = '50ms'")
    stream(cluster, wye, samples, print_delays, print_costs)
