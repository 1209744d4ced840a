"""Pooling that nobody can see: scripts of sessions played on the primary and through wye get the same answers, to the
byte, also while wye gives the session another connection, on another server if it may, at every statement.

Masked is only what differs by nature: the schema's name (of the same length), the numbers of connections and prepared
statements in messages, the position of a write, the order of trackers and MySQL's unasked one of a BEGIN, and the status
flags of a slow statement and of one whose table was changed after it was prepared.
"""

import pathlib

import pytest

from conftest import start_wye
from script import scripts_of
from sides import READ_ONLY_ERRORS, Sides, prepare

SCRIPTS = pathlib.Path(__file__).parent / "differential"

pytestmark = pytest.mark.usefixtures("wye_binary")


@pytest.fixture(scope="module")
def sides(cluster, tmp_path_factory):
    """Wye that never gives a session its last connection back, and wye as it comes."""
    prepare(cluster)
    moving = start_wye(cluster, tmp_path_factory.mktemp("moving"), "--threads", "1", "--set", "connection_affinity=off")
    try:
        staying = start_wye(cluster, tmp_path_factory.mktemp("staying"), "--threads", "1")
        try:
            yield Sides(cluster, moving=moving, staying=staying)
            moving.finish()
            staying.finish()
        finally:
            staying.kill()
    finally:
        moving.kill()


def test_every_script_is_answered_through_wye_as_by_the_primary(sides, cluster, flavor):
    scripts = scripts_of(SCRIPTS, flavor)
    assert len(scripts) > 330
    found = sides.all_differences(scripts)
    assert not found, "%d of %d scripts differ:\n%s" % (len(found), len(scripts), "\n\n".join(found))
    # No refusal of a read-only server reached a client. (1792 belongs to READ ONLY transactions: the primary says it too.)
    assert not sides.errors() & READ_ONLY_ERRORS
    for player in sides.wyes.values():
        seen = player.endpoint.servers()
        assert all(seen[replica.address]["statements"] > 0 for replica in cluster.replicas)
