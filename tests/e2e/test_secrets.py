"""What a core dump would hold: no client's password, and nothing that is as good as one."""

import hashlib
import pathlib
import re

import pytest

from endpoint import wait_until

PASSWORD = b"correct horse battery 7291 staple"

# A mapping's line in /proc/PID/smaps.
MAPPING = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ")


def readable(pid, left_out):
    """The ranges that may be read and have none of these flags."""
    current = None
    for line in pathlib.Path("/proc/%d/smaps" % pid).read_bytes().splitlines():
        mapping = MAPPING.match(line)
        if mapping:
            current = (int(mapping[1], 16), int(mapping[2], 16), mapping[3])
        elif line.startswith(b"VmFlags:") and current[2].startswith(b"r"):
            if not left_out.intersection(line.split()[1:]):
                yield current[:2]


# Marked with MADV_DONTDUMP, VM_IO, VM_PFNMAP: what the kernel never writes into a core dump. Of the rest it leaves out some.
NEVER_DUMPED = frozenset({b"dd", b"io", b"pf"})


def found(pid, needles, left_out=NEVER_DUMPED):
    """The names of the needles that lie in its memory, with where."""
    hits = []
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for begin, end in readable(pid, left_out):
            memory.seek(begin)
            try:
                content = memory.read(end - begin)
            except OSError:
                continue  # a mapping that cannot be read cannot be dumped
            hits += ["%s at %x in %x-%x" % (name, begin + content.index(needle), begin, end)
                     for name, needle in needles.items() if needle in content]
    return hits


def wait_forgotten(pid, needles):
    """Until none of them is left: a login that a thread is in the middle of, of a client or of another connection to a
    server, holds them for as long as it takes."""
    hits = []

    def none_is_left():
        hits[:] = found(pid, needles)
        return not hits
    try:
        wait_until(none_is_left, "the password to be forgotten")
    except AssertionError as error:
        raise AssertionError("in what a core dump would hold: %s" % hits) from error


def secrets_of(password):
    sha1, sha256 = hashlib.sha1(password).digest(), hashlib.sha256(password).digest()
    return {"the password": password, "its SHA-1": sha1, "its SHA-1 in hexadecimal": sha1.hex().encode(),
            "its SHA-256": sha256, "its SHA-256 in hexadecimal": sha256.hex().encode()}


@pytest.fixture
def vaulted(cluster, witness):
    with witness.root(cluster.primary) as root:
        root.run("DROP USER IF EXISTS vaulted@'%'")
        root.run("CREATE USER vaulted@'%%' IDENTIFIED BY '%s'" % PASSWORD.decode())
        root.run("GRANT ALL PRIVILEGES ON app.* TO vaulted@'%'")
        yield
        root.run("DROP USER vaulted@'%'")


@pytest.mark.heavy
def test_a_core_dump_taken_after_logins_holds_no_password(cluster, wye, vaulted, flavor):
    cluster.wait_caught_up()
    for way in ({"tls": True}, {}, {"by_socket": True}, {"tls": True}):
        with wye.session("vaulted", PASSWORD.decode(), database=None, **way) as session:
            wait_forgotten(wye.pid, secrets_of(PASSWORD))
            # On a replica, on the primary: connections in its name, which log in with what is remembered.
            assert session.value("SELECT 1 FROM app.whoami")
            session.run("UPDATE app.whoami SET name = name")
            wait_forgotten(wye.pid, secrets_of(PASSWORD))
    wait_forgotten(wye.pid, secrets_of(PASSWORD))
    # It is remembered, where no dump has it: the search would have found it.
    assert found(wye.pid, secrets_of(PASSWORD), NEVER_DUMPED - {b"dd"})
