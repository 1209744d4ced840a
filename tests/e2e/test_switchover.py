"""SWITCHOVER: the primary and a replica change places, and no client notices; what fails is undone, or told."""

import pymysql
import pytest

from endpoint import wait_until
from ledger import Ledger
from topology_account import changeable, operator_url, wait_one_topology, wait_same_rows
from wye_process import Wye

ROWS = "SELECT COUNT(*) AS n, SUM(id) AS sum FROM app.ledger"


@pytest.fixture(scope="module")
def own(cluster, tmp_path_factory):
    """A cluster of this module's, whose topology changes."""
    with changeable(cluster.flavor, tmp_path_factory.mktemp("own")) as one:
        yield one


@pytest.fixture(scope="module")
def failing_step(tmp_path_factory):
    """Names the step that is to fail."""
    return tmp_path_factory.mktemp("step") / "name"


@pytest.fixture(scope="module")
def changing(own, failing_step, tmp_path_factory):
    """A wye that may change it."""
    wye = Wye(tmp_path_factory.mktemp("changing"), operator_url(own), env={"WYE_FAIL_STEP": str(failing_step)})
    try:
        yield wye.ready()
        wye.finish()
    finally:
        wye.kill()


def switch(wye, server):
    rows = wye.console("SWITCHOVER TO '%s'" % server.address)
    assert {row["state"] for row in rows} == {"done"}, rows
    return rows


def test_no_client_notices_that_the_primary_changes_and_no_row_is_lost(own, changing, flavor):
    primary = wait_one_topology(own)
    Ledger.create(primary)
    with Ledger(changing, tls=flavor == "mysql") as ledger:
        ledger.wait_more(20)
        for server in own.replicas + [own.primary]:
            switch(changing, server)
            assert wait_one_topology(own) is server
            ledger.wait_more(10)
    assert ledger.errors() == []
    assert ledger.compare(own.primary) == ([], [])
    wait_same_rows(own, own.primary, ROWS)


def test_wye_chooses_a_replica_and_tells_each_step(own, changing):
    before = wait_one_topology(own)
    rows = changing.console("SWITCHOVER")
    assert [row["step"] for row in rows if row["step"] != "repoint"] == [
        "examine", "lock", "plan", "hold", "fence", "catch-up", "promote", "appoint", "rejoin"]
    after = wait_one_topology(own)
    assert after is not before
    events = changing.console("SELECT * FROM stats_events WHERE kind = 'switchover'")
    assert events[-1]["server"] == after.address
    switch(changing, before)


def test_a_transaction_that_does_not_end_does_not_hold_it_up_for_ever(own, changing):
    primary = wait_one_topology(own)
    Ledger.create(primary)
    changing.console("SET switchover_timeout = '300ms'")
    target = next(one for one in own.servers if one is not primary)
    session = changing.connect()
    try:
        with session.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("INSERT INTO ledger (client, n, part) VALUES (1, 1, 0)")
            rows = changing.console("SWITCHOVER TO '%s'" % target.address)
            assert any("switchover_timeout" in row["text"] for row in rows if row["step"] == "hold"), rows
            assert wait_one_topology(own) is target
    finally:
        session.close()
    with changing.session() as other:
        other.run("INSERT INTO ledger (client, n, part) VALUES (2, 1, 0)")
    changing.console("SET switchover_timeout = DEFAULT")
    wait_same_rows(own, target, ROWS)
    changing.wait_pool([one for one in own.servers if one is not target])
    switch(changing, primary)


def refused(wye, statement):
    with pytest.raises(pymysql.MySQLError) as caught:
        wye.console(statement)
    return str(caught.value)


def test_what_cannot_be_is_refused_before_anything_is_touched(own, changing):
    primary = wait_one_topology(own)
    replica = next(one for one in own.servers if one is not primary)
    assert "is the primary already" in refused(changing, "SWITCHOVER TO '%s'" % primary.address)
    assert "there is no server" in refused(changing, "SWITCHOVER TO '127.0.0.1:1'")
    own.sql(replica, own.kind.stop_sql_thread)
    try:
        assert "SQL thread is stopped" in refused(changing, "SWITCHOVER TO '%s'" % replica.address)
    finally:
        own.sql(replica, own.kind.start_sql_thread)
    assert "answers" in refused(changing, "FAILOVER")
    changing.console("SET failover = 'off'")
    assert "failover is off" in refused(changing, "SWITCHOVER")
    changing.console("SET failover = 'manual'")
    assert wait_one_topology(own) is primary


def test_a_primary_that_somebody_has_left_read_only_is_replaced_all_the_same(own, changing):
    """As it is when a wye dies in the middle of this."""
    primary = wait_one_topology(own)
    target = next(one for one in own.servers if one is not primary)
    own.sql(primary, "SET GLOBAL read_only = 1")
    wait_until(lambda: changing.servers()[primary.address]["read_only"], "wye to see it")
    switch(changing, target)
    assert wait_one_topology(own) is target
    switch(changing, primary)


def test_a_privilege_that_lacks_is_named(own, changing, flavor):
    primary = wait_one_topology(own)
    lacking = "READ_ONLY ADMIN" if flavor == "mariadb" else "SYSTEM_VARIABLES_ADMIN"
    own.sql(primary, "REVOKE %s ON *.* FROM operator@'%%'" % lacking)
    try:
        text = refused(changing, "SWITCHOVER")
        assert "GRANT %s ON *.* TO 'operator'@'%%'" % lacking in text, text
        assert wait_one_topology(own) is primary
    finally:
        own.sql(primary, "GRANT %s ON *.* TO operator@'%%'" % lacking)
        wait_same_rows(own, primary, "SHOW GRANTS FOR operator@'%'")


@pytest.mark.parametrize("step", ["lock", "plan", "hold", "fence", "catch-up", "promote", "appoint"])
def test_a_step_that_fails_is_undone(own, changing, failing_step, step):
    primary = wait_one_topology(own)
    Ledger.create(primary)
    changing.wait_pool([one for one in own.servers if one is not primary])
    failing_step.write_text(step)
    try:
        with Ledger(changing, writers=2, transactions=1, readers=1, tls=own.flavor == "mysql") as ledger:
            ledger.wait_more(5)
            assert step in refused(changing, "SWITCHOVER")
            assert wait_one_topology(own) is primary
            ledger.wait_more(5)
    finally:
        failing_step.unlink()
    assert ledger.errors() == []
    assert ledger.compare(primary) == ([], [])
    wait_same_rows(own, primary, ROWS)
