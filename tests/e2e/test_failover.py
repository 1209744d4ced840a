"""FAILOVER: a dead primary is replaced by the replica that has most, the others follow it, and the old one takes no write
when it comes back."""

import pymysql
import pytest

from endpoint import wait_until
from ledger import Ledger
from topology_account import changeable, operator_url, root_of, see, wait_one_topology, wait_same_rows

ROWS = "SELECT COUNT(*) AS n, SUM(id) AS sum FROM app.ledger"


@pytest.fixture
def own(cluster, tmp_path):
    """A cluster whose primary dies."""
    with changeable(cluster.flavor, tmp_path / "own") as one:
        Ledger.create(one.primary)
        one.wait_caught_up()
        yield one


@pytest.fixture
def started(own, wyes):
    """Starts a wye that may change it."""
    def start(failover, *more):
        return wyes("--set", "failover=%s" % failover, "--set", "monitor_interval=200ms", "--set", "failover_timeout=2m",
                    *more, operator_url(own), replicas=own.replicas)
    return start


def wait_event(wye, kind, server):
    def told():
        events = [row for row in wye.console("SELECT * FROM stats_events") if (row["kind"], row["server"]) == (kind, server.address)]
        return events and events[-1]
    return wait_until(told, "the event %s of %s" % (kind, server.name))


def new_primary(own, wye):
    """Whom the replicas that live and wye agree upon."""
    primary = wait_one_topology(own)
    wait_until(lambda: wye.servers()[primary.address]["role"] == "primary", "wye to follow the new primary")
    return primary


def test_a_dead_primary_is_replaced_and_follows_when_it_is_back(own, started, flavor):
    wye = started("auto")
    with Ledger(wye, tls=flavor == "mysql") as ledger:
        ledger.wait_more(10)
    own.wait_caught_up()
    with Ledger(wye, writers=0, transactions=0, readers=2, tls=flavor == "mysql") as reading:
        own.kill("primary")
        primary = new_primary(own, wye)
        reading.wait_more(10)
    assert reading.errors() == []
    assert primary in own.replicas
    assert ledger.errors() == [] and ledger.compare(primary) == ([], [])
    with wye.session(tls=flavor == "mysql") as session:
        session.run("INSERT INTO ledger (client, n, part) VALUES (100, 1, 0)")
    own.start("primary")
    assert wait_one_topology(own) is primary
    wait_event(wye, "rejoin", own.primary)
    wait_same_rows(own, primary, ROWS)
    wye.finish()


def test_under_load_only_writes_that_had_reached_it_end_in_an_error(own, started, flavor):
    wye = started("auto")
    with Ledger(wye, tls=flavor == "mysql") as ledger:
        ledger.wait_more(10)
        own.kill("primary")
        primary = new_primary(own, wye)
        ledger.wait_more(20)
    lost, doubled = ledger.compare(primary)
    assert doubled == []
    # Without semi-synchronous replication the last rows may be lost; nothing that was acknowledged later is.
    assert all(n <= max(one.unknown, default=0) + 1 or one.errors == [] for one in ledger.clients for c, n, _ in lost if c == one.number)
    assert [error for error in ledger.errors() if error[0] == "read"] == []


def write_errants(own):
    """Rows that only the primary has, which dies then."""
    for replica in own.replicas:
        with root_of(replica) as root:
            root.run("STOP REPLICA")
    with root_of(own.primary) as root:
        for n in range(3):
            root.run("INSERT INTO app.ledger (id, client, n, part) VALUES (%s, 200, %s, 0)", [1000000 + n, n])
    own.kill("primary")
    for replica in own.replicas:
        with root_of(replica) as root:
            root.run("START REPLICA")


def refused(wye, statement):
    with pytest.raises(pymysql.MySQLError) as caught:
        wye.console(statement)
    return str(caught.value)


def test_what_only_the_old_primary_has_keeps_it_out_until_a_person_insists(own, started, flavor):
    wye = started("auto")
    write_errants(own)
    primary = new_primary(own, wye)
    own.start("primary")
    event = wait_event(wye, "errant-transactions", own.primary)
    assert "3 transactions" in event["text"], event
    wait_event(wye, "rejoin-failed", own.primary)
    seen = see(own)["primary"]
    assert not seen.writable and seen.source is None
    with wye.session(tls=flavor == "mysql") as session:
        session.run("INSERT INTO ledger (client, n, part) VALUES (100, 1, 0)")
    assert "3 transactions" in refused(wye, "REJOIN '%s'" % own.primary.address)
    wye.console("REJOIN '%s' FORCE" % own.primary.address)
    assert wait_one_topology(own) is primary
    with root_of(own.primary) as root:
        wait_until(lambda: root.row("SELECT COUNT(*) AS n FROM app.ledger WHERE client = 100")["n"] == 1, "the new rows")


def test_by_hand_nothing_is_done_unasked_and_a_living_primary_is_left_alone(own, started, flavor):
    wye = started("manual")
    assert "answers" in refused(wye, "FAILOVER")
    own.kill("primary")
    wait_until(lambda: wye.servers()[own.primary.address]["state"] == "down", "wye to miss the primary")
    target = own.replicas[1]
    rows = wye.console("FAILOVER TO '%s'" % target.address)
    assert {row["state"] for row in rows} == {"done"}, rows
    assert new_primary(own, wye) is target
    own.start("primary")
    wait_event(wye, "two-primaries", own.primary)
    wye.console("REJOIN '%s'" % own.primary.address)
    assert wait_one_topology(own) is target
    wye.finish()


def test_a_primary_that_hangs_is_replaced_and_does_nothing_when_it_goes_on(own, started, flavor):
    wye = started("auto")
    own.stop("primary")
    primary = new_primary(own, wye)
    with wye.session(tls=flavor == "mysql") as session:
        session.run("INSERT INTO ledger (client, n, part) VALUES (100, 1, 0)")
    own.cont("primary")
    assert wait_one_topology(own) is primary
    wait_same_rows(own, primary, ROWS)


def test_of_two_wyes_one_acts(own, started, flavor):
    wyes = [started("auto") for _ in range(2)]
    own.kill("primary")
    primary = new_primary(own, wyes[0])
    assert new_primary(own, wyes[1]) is primary

    def acted():
        return [row["server"] for wye in wyes for row in wye.console("SELECT * FROM stats_events WHERE kind = 'failover'")]
    wait_until(acted, "one of them to say that it did it")
    assert acted() == [primary.address]
    own.start("primary")
    assert wait_one_topology(own) is primary


# --- a primary that is read-only, and whose place nobody has taken ---

def die_together(own):
    """Servers that start read-only, as docs/failover.md asks for."""
    for server in own.servers:
        own.kill(server)
        with open(server.cnf, "a") as cnf:
            cnf.write("\n[mysqld]\nread_only=1\n" + ("super_read_only=1\n" if own.flavor == "mysql" else ""))


def test_servers_that_were_all_started_again_are_written_again_when_all_are_there(own, started, flavor):
    wye = started("auto", "--set", "failover_delay=10m")
    die_together(own)
    own.start(own.primary, own.replicas[0])
    wait_until(lambda: own.replicas[1].address in wait_event(wye, "reopen-failed", own.primary)["text"], "the one that is missing to be named")
    assert not see(own)["primary"].writable
    own.start(own.replicas[1])
    with wye.session(tls=flavor == "mysql") as session:
        session.run("INSERT INTO ledger (client, n, part) VALUES (100, 1, 0)")  # waits, and is done
    wait_event(wye, "reopen", own.primary)
    assert wait_one_topology(own) is own.primary


def test_a_primary_that_somebody_has_made_read_only_stays_so(own, started):
    wye = started("auto")
    with root_of(own.primary) as root:
        root.run("SET GLOBAL read_only = 1")
        event = wait_event(wye, "reopen-failed", own.primary)
        assert "by somebody" in event["text"], event
        assert not see(own)["primary"].writable
        root.run("SET GLOBAL read_only = 0")
    wait_until(lambda: wye.get("/readyz")[0] == 200, "the primary to be used again")
