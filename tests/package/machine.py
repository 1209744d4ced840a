"""A fresh Debian in a folder, of the release of the machine that runs the test: what a package is installed on."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

SERVERS = pathlib.Path(__file__).resolve().parents[1] / "servers"

# What apt and dpkg keep for themselves, and what they write anew whenever something is installed.
NOT_OURS = re.compile(r"(proc|dev|sys|run|tmp|var/cache|var/log|var/lib/(dpkg|apt))(/|$)|etc/(ld\.so\.cache|[a-z]+-)$")


class Wrong(Exception):
    """Something is not as it must be; the text says what."""


def must(right, *what):
    if not right:
        raise Wrong("\n".join(map(str, what)))


def run(*command, **more):
    """What a command prints; it must succeed."""
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", **more)
    must(done.returncode == 0, "%s: status %d" % (" ".join(map(str, command[:8])), done.returncode), done.stdout[-3000:])
    return done.stdout


def make_image(image, codename):
    """A tar of the new system, there only when it is whole."""
    image.parent.mkdir(parents=True, exist_ok=True)
    tree = pathlib.Path(tempfile.mkdtemp(prefix="wye-debian-"))
    half = pathlib.Path("%s.%d" % (image, os.getpid()))
    try:
        run("debootstrap", "--variant=minbase", codename, tree, run(SERVERS / "debian-mirror").strip())
        run("tar", "-C", tree, "--exclude=./var/cache/apt/archives/*.deb", "--exclude=./dev/*", "-cf", half, ".")
        half.rename(image)
    finally:
        half.unlink(missing_ok=True)
        shutil.rmtree(tree, ignore_errors=True)


def image():
    cache = pathlib.Path(os.environ.get("WYE_CACHE") or pathlib.Path.home() / ".cache" / "wye")
    release = pathlib.Path("/etc/os-release").read_text()
    codename = re.search(r"^VERSION_CODENAME=(\w+)", release, re.MULTILINE).group(1)
    path = cache / ("debian-%s.tar" % codename)
    if not path.exists():
        print("package: making %s, once" % path, flush=True)
        make_image(path, codename)
    return path


class Machine:
    """Its processes are this machine's, with another root; they share its network."""

    def __init__(self, root):
        self.root = root
        self.root.mkdir()
        run("tar", "-C", self.root, "-xf", image())
        self.root.chmod(0o755)
        for name, mode in (("null", "666"), ("urandom", "444"), ("random", "444"), ("tty", "666")):
            run("cp", "-a", "/dev/" + name, self.root / "dev")
            run("chmod", mode, self.root / "dev" / name)
        if not (self.root / "dev/fd").is_symlink():
            (self.root / "dev/fd").symlink_to("/proc/self/fd")
        run("mount", "-t", "proc", "proc", self.root / "proc")
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        self.environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                            "DEBIAN_FRONTEND": "noninteractive"}
        proxy = run("apt-config", "shell", "proxy", "Acquire::http::Proxy").strip().partition("=")[2]
        if proxy:
            (self.root / "etc/apt/apt.conf.d/proxy").write_text("Acquire::http::Proxy %s;\n" % proxy.replace("'", '"'))
        self("apt-get", "-qq", "update")

    def __call__(self, *command):
        return run("chroot", self.root, *command, env=self.environment)

    def start(self, log, *command):
        """A process in it, which is what is started: neither chroot nor setpriv stays in between."""
        return subprocess.Popen(["chroot", str(self.root), *map(str, command)], stdin=subprocess.DEVNULL, stdout=log,
                                stderr=log, env=self.environment, start_new_session=True)

    def install(self, package):
        shutil.copy(package, self.root / "tmp")
        return self("apt-get", "-qq", "-y", "--no-install-recommends", "install", "/tmp/" + package.name)

    def files(self):
        """Every file and folder, without what apt and dpkg keep for themselves."""
        found = set()
        for folder, below, names in os.walk(self.root):
            here = os.path.relpath(folder, self.root)
            below[:] = [name for name in below if not NOT_OURS.match(os.path.normpath(os.path.join(here, name)))]
            found |= {os.path.normpath(os.path.join(here, name)) for name in [*below, *names]}
        return {name for name in found if not NOT_OURS.match(name)}

    def owned(self):
        """What the packages that are installed have brought; some name what is in /usr by the old way to it."""
        names = set()
        for path in (self.root / "var/lib/dpkg/info").glob("*.list"):
            names |= {line.strip("/") for line in path.read_text().splitlines()}
        return names | {"usr/" + name for name in names}

    def user(self, name):
        lines = (self.root / "etc/passwd").read_text().splitlines()
        return next((line.split(":") for line in lines if line.startswith(name + ":")), None)

    def finish(self):
        run("umount", self.root / "proc")
