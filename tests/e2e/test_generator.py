"""Random sessions: a few hundred of a known seed get the same answers through wye as from the primary.

The grammar, how a sequence is played, and how to play many more: generator.py. Here one session is played at a time: the
warnings that a tied session leaves on another connection than its own can be gone when others use that.
"""

import argparse

import pytest

from conftest import start_wye
from generator import play_all
from sides import prepare

SEED, FIRST, COUNT = "final", 300, 100

pytestmark = pytest.mark.usefixtures("wye_binary")


def test_random_sessions_are_answered_through_wye_as_by_the_primary(cluster, tmp_path):
    prepare(cluster)
    wye = start_wye(cluster, tmp_path, "--threads", "1", "--set", "connection_affinity=off")
    try:
        options = argparse.Namespace(seed=SEED, first=FIRST, count=COUNT, length=16, processes=1, most=3, tries=40, crowd=0)
        played, found = play_all(cluster, wye, options)
        assert not found, "%d of %d sequences differ:\n%s" % (len(found), played, "\n\n".join(found))
        assert played == COUNT
        wye.finish()
    finally:
        wye.kill()
