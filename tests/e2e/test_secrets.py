"""What a core dump would hold: no client's password, and nothing that is as good as one."""

import hashlib
import pathlib
import re

import pytest

PASSWORD = b"correct horse battery 7291 staple"

# A mapping's line in /proc/PID/smaps.
MAPPING = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ")


def dumped(pid):
    """The ranges that the kernel would write into a core dump, and some more: what may be read and is not marked with
    MADV_DONTDUMP (dd), VM_IO (io) or VM_PFNMAP (pf)."""
    current = None
    for line in pathlib.Path("/proc/%d/smaps" % pid).read_bytes().splitlines():
        mapping = MAPPING.match(line)
        if mapping:
            current = (int(mapping[1], 16), int(mapping[2], 16), mapping[3])
        elif line.startswith(b"VmFlags:") and current[2].startswith(b"r"):
            if not {b"dd", b"io", b"pf"}.intersection(line.split()[1:]):
                yield current[:2]


def found_in_core(pid, needles):
    """The names of the needles that a core dump would hold, with where."""
    found = []
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for begin, end in dumped(pid):
            memory.seek(begin)
            try:
                content = memory.read(end - begin)
            except OSError:
                continue  # a mapping that cannot be read cannot be dumped
            found += ["%s at %x in %x-%x" % (name, begin + content.index(needle), begin, end)
                      for name, needle in needles.items() if needle in content]
    return found


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
        with wye.session("vaulted", PASSWORD.decode(), **way) as session:
            # On a replica, on the primary: connections in its name, which log in with what is remembered.
            assert session.value("SELECT 1 FROM app.whoami")
            session.run("UPDATE app.whoami SET name = name")
            assert found_in_core(wye.pid, secrets_of(PASSWORD)) == []
    assert found_in_core(wye.pid, secrets_of(PASSWORD)) == []
