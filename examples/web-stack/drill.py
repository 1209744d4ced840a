"""The drill: each component is killed in turn under load, and what the visitors noticed of it is one line of a table."""

import collections
import datetime
import textwrap
import time

import machines
from component import StackError, wait_until
from databases import NAMES as DATABASES
from load import Load
from stack import BALANCERS, SITE, WEBS
from witness import Witness

QUIET = 2  # seconds of load before a loss, and after all is whole again
AWAY = 10  # seconds that a component stays away
PATIENCE = 20  # seconds that a database has to follow again by itself
COLUMNS = "%-16s %-50s %9s %9s %5s %5s %7s %7s"
HEAD = COLUMNS % ("component", "what happened", "GET", "POST", "stale", "lost", "slowest", "seconds")


def losses(stack):
    """Components to kill and machines to unplug, each named when its turn comes, since roles change on the way."""
    def active():
        return stack.holders()[0] or BALANCERS[0]

    def passive():
        return next(lb for lb in BALANCERS if lb != active())

    def replica():
        return next(db for db in DATABASES if db != primary())

    primary = stack.databases.primary
    yield active() + "/haproxy"
    yield active() + "/haproxy"  # the other one by now
    yield active() + "/keepalived"
    yield passive() + "/keepalived"
    for program in ("nginx", "app", "wye"):
        for web in WEBS:
            yield "%s/%s" % (web, program)
    first = primary()
    for name in [db for db in DATABASES if db != first] + [first]:
        yield name + "/mariadb"
    yield "mon/prometheus"
    for machine in (active, lambda: WEBS[0], replica, primary):
        yield machine()


def take(stack, name):
    """SIGKILL for a component; for a machine its cable pulled: then nobody even hears that it is gone."""
    if "/" in name:
        stack.component(name).kill()
    else:
        machines.unplug(name)


def give_back(stack, name):
    if "/" in name:
        stack.component(name).start()
        stack.component(name).wait_ready()
    else:
        machines.plug(name)


class Drill:
    def __init__(self, stack, rate):
        self.stack = stack
        self.load = Load(SITE, stack.floating, stack.directory / "ca" / "ca.pem", rate)
        self.missing = set()  # notes that were acknowledged and are gone, and told
        self.errors = collections.Counter()

    def run(self, names=()):
        print(HEAD, flush=True)
        self.load.start()
        try:
            for name in names or losses(self.stack):
                self._lose(name)
        finally:
            self.load.end()
            for (kind, error), count in sorted(self.errors.items()):
                print("  %d x %s: %s" % (count, kind, error))

    def _lose(self, name):
        role = "primary" if name.partition("/")[0] == self.stack.databases.primary() else ""
        time.sleep(QUIET)
        witness = Witness(self.stack, name)
        begin = time.monotonic()
        take(self.stack, name)
        try:
            while time.monotonic() < begin + AWAY:
                witness.look()
                time.sleep(0.3)
        finally:
            give_back(self.stack, name)
        self._mend(name.partition("/")[0], witness)
        self.stack.wait_whole(120)
        time.sleep(QUIET)
        end = time.monotonic()
        wait_until(lambda: self.load.oldest_open() > end, 30, "the last visitors of that time")
        self._tell(name, role, witness.told, [one for one in list(self.load.requests) if one.end > begin and one.begin < end])

    def _mend(self, name, witness):
        """A database with transactions that nobody else has stays out until a person makes it anew."""
        if name in DATABASES:
            try:
                wait_until(self.stack.databases.is_whole, PATIENCE, "")
            except StackError:
                self.stack.rebuild(name)
                witness.told.append("%s had transactions of its own and was made anew" % name)

    def _tell(self, name, role, told, requests):
        def errors(kind):
            of_kind = [one for one in requests if one.kind == kind]
            wrong = [one for one in of_kind if one.error]
            self.errors.update((one.kind, one.error) for one in wrong)
            return "%d/%d" % (len(wrong), len(of_kind))
        stale = sum(one.stale for one in requests)
        lost = self._lost()
        slowest = max(one.took for one in requests)
        what = textwrap.wrap("; ".join(filter(None, [role and "was the primary", *told])) or "nothing", 50)
        print(COLUMNS % (name, what[0], errors("GET"), errors("POST"), stale, lost, "%.1f" % slowest,
                         "%.1f" % disturbance(requests)), flush=True)
        for line in what[1:]:
            print((COLUMNS % ("", line, "", "", "", "", "", "")).rstrip(), flush=True)

    def _lost(self):
        """Acknowledged notes that are not in the database, now and not before."""
        acknowledged = set(self.load.acknowledged)
        there = {int(row["id"]) for row in self.stack.databases.sql(self.stack.databases.primary(), "SELECT id FROM notes.notes")}
        new = acknowledged - there - self.missing
        self.missing |= new
        return len(new)


def disturbance(requests):
    """Seconds in which some visitor was on the way to an error, or waited for longer than load.SLOW."""
    total, until = 0.0, 0.0
    for one in sorted((one for one in requests if one.disturbed), key=lambda one: one.begin):
        total += max(0.0, one.end - max(one.begin, until))
        until = max(until, one.end)
    return total


def drill(stack, rate, names):
    stack.wait_whole()
    print("web-stack: %s, %s, %d requests a second, a fifth of them POST; %s" % (
        stack.settings["balance"], stack.settings["pair"], rate, datetime.datetime.now().strftime("%Y-%m-%d %H:%M")))
    one = Drill(stack, rate)
    one.run(names)
    print("web-stack: %d requests, %d acknowledged notes, %d of them lost" % (
        len(one.load.requests), len(one.load.acknowledged), len(one.missing)))
