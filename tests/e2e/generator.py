#!/usr/bin/env python3
"""Random sessions (grammar.py), played on the primary and through wye, until their answers differ.

    tests/e2e/generator.py --flavor mariadb|mysql [--count N] [--first N] [--seed S] [--length N] [--processes N] [--most N]
                           [--tries N] [--cluster FOLDER] [--crowd N]

Starts a cluster and a wye (WYE_BIN: any build) that gives sessions another connection at every statement. The seed is
printed; sequence i of a seed is always the same: 8 to --length statements and then a look at all that the session has
set. One that differs is played again in a schema of its own, made short, and printed as a script (script.py).

The processes keep their schemas: each session begins by putting the rows back, as part of what is compared, and the
objects are made again after a sequence that has changed some. Ids go on from a multiple of a thousand.

With --crowd beside each of them so many sessions read all the time, in the same schema and in the state of a new session,
through a wye that lets short reads stand behind one another from the first busy connection on: those of the sequences stand
behind theirs, and in front. How many did is told at the end.
"""

import argparse
import contextlib
import itertools
import multiprocessing
import pathlib
import queue
import random
import re
import signal
import sys
import tempfile
import threading

import pymysql

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "servers")]

from endpoint import Endpoint, Session, wait_until  # noqa: E402
from exact_client import MODERN, PLAIN  # noqa: E402
from grammar import sentences  # noqa: E402
from grammar_words import DUMP, TABLE_U, objects  # noqa: E402
from script import Script, Stage, difference  # noqa: E402

# What a statement that changes objects for longer than its session looks like.
CHANGES_OBJECTS = re.compile(r"CREATE (OR REPLACE )?(TABLE|VIEW|INDEX|PROCEDURE)|ALTER TABLE [ux]\b|TRUNCATE u|RENAME TABLE")
OBJECTS_AGAIN = ["DROP VIEW IF EXISTS w", "DROP TABLE IF EXISTS x, y, u", "DROP PROCEDURE IF EXISTS own", TABLE_U]
SHORTEST = 8
IDS = 1000  # of one sequence, in a table


def put_back(number):
    """One command that makes the rows what they were, the next ids beginning at a number of the sequence. (MySQL's open
    tables remember the auto_increment_increment of who took an id last, for the next id behind one that is given: one is
    taken first. Rows in g come with a trigger, which would tie every session from its beginning.)"""
    first = (number + 1) * IDS
    return ("INSERT INTO t (n) VALUES (0); INSERT INTO u (t) VALUES (0); DELETE FROM t; DELETE FROM u; DELETE FROM g;"
            " INSERT INTO t VALUES (1, 'one', 10), (2, 'two', 20), (3, 'three', 30), (%d, '', 0);"
            " INSERT INTO u VALUES (1, 1, 'u1'), (2, 2, 'u2'), (%d, 0, '');"
            " DELETE FROM t WHERE id=%d; DELETE FROM u WHERE id=%d; SELECT 1") % ((first,) * 4)


def generate(flavor, seed, number, length):
    rng = random.Random("length of %s %d" % (seed, number))
    steps, modern = sentences(flavor, seed, number, rng.randint(SHORTEST, max(SHORTEST, length)))
    script = Script("sequence %d of seed %s" % (number, seed))
    script.flags = MODERN if modern else PLAIN
    script.steps = steps + DUMP
    return script


class Place:
    """One way to the servers, with a schema that stays. What is not compared is done by root on the primary."""

    def __init__(self, endpoint, primary, schema, flavor):
        self.endpoint, self.schema, self.flavor = endpoint, schema, flavor
        self.root = Session(primary.connect("root", "", None, by_socket=True))
        self.make()

    def make(self):
        self.drop()
        for statement in ["CREATE DATABASE " + self.schema, "USE " + self.schema] + objects(self.flavor):
            self.root.run(statement)

    def drop(self):
        for name in (self.schema, self.schema + "_b"):
            self.root.run("DROP DATABASE IF EXISTS " + name)

    def play(self, script, number):
        stage = Stage(self, script, self.schema)
        try:
            begun = [part[:2] if part[0] == "error" else part[0] for part in stage.step(put_back(number))]
            return [begun] + [stage.known(stage.step(step)) for step in script.steps]
        finally:
            stage.close()
            self.tidy("\n".join(script.steps))

    def tidy(self, text):
        if "XA PREPARE" in text:
            wait_until(self.no_xa_left, "the end of XA transactions")
        if "{db}_b" in text:
            self.root.run("DROP DATABASE IF EXISTS %s_b" % self.schema)
        if CHANGES_OBJECTS.search(text):
            for statement in OBJECTS_AGAIN:
                self.root.run(statement)
        if self.flavor == "mariadb" and re.search(r"VAL\(|VALUE FOR|INTO s", text):
            for name in ("q", "r"):
                self.root.run("ALTER SEQUENCE %s RESTART 1" % name)

    def no_xa_left(self):
        """A transaction that was prepared is there until its session has ended, and then still."""
        names = [row[3] if isinstance(row[3], str) else row[3].decode(errors="replace") for row in self.root.rows("XA RECOVER")]
        left = [name for name in names if name.startswith(self.schema)]
        for name in left:
            try:
                self.root.run("XA ROLLBACK %s", [name])
            except Exception:  # its session is still there
                return False
        return not self.root.value("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = 0") \
            if left else True


def places_of(ways, flavor, number):
    direct, wye = (Endpoint(*way) for way in ways)
    return [Place(way, direct, "app_%s9%05d" % (letter, number), flavor) for way, letter in ((direct, "d"), (wye, "m"))]


def read_all_the_time(place, stop, wrong):
    """One of the crowd: what it reads, a sequence reads too, and has always the same answer."""
    questions = [("(SELECT 1 AS a FROM t WHERE id = -5) UNION (SELECT 2)", [(2,)]), ("SELECT COUNT(*) FROM u WHERE id < -1", [(0,)]),
                 ("SELECT id FROM t WHERE id = -1", [])]
    session = Session(place.endpoint.connect("app", database=place.schema))
    try:
        for question, answer in itertools.cycle(questions):
            if stop.is_set():
                return
            try:
                got = session.rows(question)
            except pymysql.err.Error as error:
                if error.args[0] not in (1049, 1146):  # schema and tables are being made again
                    wrong.append("one of the crowd: %s" % (error,))
                    return
                continue
            if got != answer:
                wrong.append("one of the crowd: %s: %s" % (question, got))
    finally:
        session.close()


@contextlib.contextmanager
def crowd_beside(place, size, found):
    ends, wrong = threading.Event(), []
    threads = [threading.Thread(target=read_all_the_time, args=(place, ends, wrong)) for _ in range(size)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ends.set()
        for thread in threads:
            thread.join()
        for told in wrong:
            found.put((-1, told))


def play_part(process, processes, ways, flavor, options, stop, found):
    """What one process does: every so-manyth sequence."""
    places = places_of(ways, flavor, process)
    crowd = crowd_beside(places[1], options.crowd, found)
    crowd.__enter__()
    try:
        for number in range(options.first + process, options.first + options.count, processes):
            if stop.is_set():
                break
            script = generate(flavor, options.seed, number, options.length)
            expected, got = (place.play(script, number) for place in places)
            told = None
            if expected != got:
                script.steps.insert(0, put_back(number))
                told = difference(script, expected, got)
                for place in places:
                    place.make()
            found.put((number, told))
    finally:
        crowd.__exit__(None, None, None)
        for place in places:
            place.drop()
    found.put((None, None))


def ask_first(wye):
    """The first question of all for a LASTVAL() may be refused (docs/known-differences.md): nobody who is compared asks it."""
    with contextlib.suppress(pymysql.MySQLError), wye.session() as session:
        session.value("SELECT LASTVAL(nothing)")


def play_all(cluster, wye, options, tell=print):
    """(how many were played, the differences as text): those that are seen again are made short."""
    from sides import Sides
    ask_first(wye)
    ways = [(cluster.primary.host, cluster.primary.port, str(cluster.primary.socket)), (wye.host, wye.port, wye.socket)]
    stop, found = multiprocessing.Event(), multiprocessing.Queue()
    children = [multiprocessing.Process(target=play_part, args=(
        i, options.processes, ways, cluster.flavor, options, stop, found)) for i in range(options.processes)]
    for child in children:
        child.start()
    sides, played, differences = Sides(cluster, moving=wye), 0, []
    places = places_of(ways, cluster.flavor, options.processes)
    running = len(children)
    try:
        while running:
            try:
                number, told = found.get(timeout=1)
            except queue.Empty:
                assert all(child.is_alive() or not child.exitcode for child in children), "a process of the generator has failed"
                continue
            running -= number is None
            played += number is not None and number >= 0
            if told:
                short = None if number < 0 else tell_short(sides, places, cluster.flavor, options, number)
                differences.append(short or "NOT SEEN AGAIN " + told)
                tell(differences[-1] + "\n")
                if len(differences) >= options.most:
                    stop.set()
            if number is not None and played % 1000 == 0:
                tell("%d sequences, %d differ" % (played, len(differences)))
    except KeyboardInterrupt:
        tell("stopped")
    finally:
        stop.set()
        for child in children:
            child.join(60)
            child.kill()
        for place in places:
            place.drop()
    return played, differences


def needed(made, steps):
    """Of the statements that make objects, those whose name a step has, and with them all that these need."""
    names = {statement: re.search(r"(?:TABLE|INTO|TRIGGER|PROCEDURE|FUNCTION|SEQUENCE) (\w+)", statement)[1] for statement in made[:-1]}
    names.update((statement, "g") for statement in made if "TRIGGER" in statement)
    kept, text = [], "\n".join(steps)
    for _ in range(2):
        kept = [statement for statement in made[:-1] if re.search(r"\b%s\b" % names[statement], text)]
        text = "\n".join(kept + steps)
    return kept + made[-1:]


def shorten(places, script, number, tries):
    """The steps without those that do not matter, as far as so many tries get, and the difference; None when there is none."""
    kept, budget, told = list(script.steps), itertools.repeat(None, tries), None

    def differ(steps):
        nonlocal told
        script.steps = steps
        expected, got = (place.play(script, number) for place in places)
        if expected == got:
            return None
        told = difference(script, expected[1:], got[1:]) or told
        for place in places:
            place.make()
        return 1 + next(i for i in range(len(steps) + 1) if expected[i] != got[i])
    size = differ(kept)
    if size is None:
        return None, None
    kept = kept[:size - 1]
    size = max(1, len(kept) // 2)
    while size:
        at = len(kept)
        while at > 0 and next(budget, 0) is None:
            at = max(0, at - size)
            if differ(kept[:at] + kept[at + size:]):
                kept = kept[:at] + kept[at + size:]
        size //= 2
    return kept, told


def tell_short(sides, places, flavor, options, number):
    """A sequence that has differed, as a short script with all that it needs; None when it no longer differs."""
    script = generate(flavor, options.seed, number, options.length)
    kept, told = shorten(places, script, number, options.tries)
    if kept is None:
        return None
    made = objects(flavor)
    for steps in (needed(made, kept) + kept, made + [put_back(number)] + kept):
        script.steps = steps
        found = sides.differences(script)
        if found:
            return "\n\n".join(found)
    return "ONLY IN A SCHEMA THAT STAYS: %s" % told


def main():
    from servers_seen import Witness
    from sides import prepare
    from wye_cluster import Cluster
    from wye_process import Wye
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flavor", choices=("mariadb", "mysql"), required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first sequence")
    parser.add_argument("--seed", default=str(random.randrange(10 ** 9)))
    parser.add_argument("--length", type=int, default=16, help="statements of the longest sequence")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cluster", help="folder of one that runs already")
    parser.add_argument("--most", type=int, default=20, help="differences after which it ends")
    parser.add_argument("--crowd", type=int, default=0, help="sessions beside each process that only read")
    parser.add_argument("--tries", type=int, default=60, help="to make one that differs short")
    options = parser.parse_args()
    print("seed %s" % options.seed, flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended then
    with tempfile.TemporaryDirectory(prefix="wye-generator-") as directory, contextlib.ExitStack() as stack:
        cluster = Cluster.load(options.cluster) if options.cluster else stack.enter_context(
            Cluster(options.flavor, replicas=2, directory=directory + "/cluster"))
        cluster.witness = Witness(cluster)
        prepare(cluster)
        crowd = ["--set", "pipeline_after=1"] if options.crowd else []
        wye = Wye(directory + "/wye", "--threads", "1", "--set", "connection_affinity=off", *crowd, cluster.monitor_url())
        try:
            wye.ready()
            wye.wait_pool(cluster.replicas)
            played, found = play_all(cluster, wye, options, lambda text: print(text, flush=True))
            print("%d of %d sequences of seed %s differ" % (len(found), played, options.seed), flush=True)
            pipelined = wye.console("SELECT SUM(pipelined) AS n, SUM(pipelined_again) AS again FROM stats_workers")[0]
            print("%s reads were sent behind others', %s of them again" % (pipelined["n"], pipelined["again"]), flush=True)
            wye.finish()
        except BaseException:
            print(wye.log_tail(), flush=True)
            raise
        finally:
            wye.kill()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
