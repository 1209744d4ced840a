"""All components of the stack: what they are started with, in which order, and how it is known that they work."""

import filecmp
import json
import os
import pathlib
import pwd
import re
import secrets
import shutil
import urllib.request

import machines
from component import Component, StackError, wait_until
from databases import NAMES as DATABASES, Databases
from machines import ADDRESS

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
SITE = "www.example.test"
BALANCERS, WEBS = ("lb1", "lb2"), ("web1", "web2")
PASSWORDS = {"monitor": "wye", "repl": "wye", "notes": "www-data"}  # account: who reads its password
SETTINGS = {"balance": ("roundrobin", "leastconn"), "pair": ("active-passive", "active-active")}
PREFERS = {"lb1": 0, "lb2": 1}  # the floating address, by number, that is a balancer's first


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError:
        return False


class Stack:
    def __init__(self, directory, balance=SETTINGS["balance"][0], pair=SETTINGS["pair"][0]):
        self.directory = pathlib.Path(directory).absolute()
        self.settings = {"balance": balance, "pair": pair}
        self.floating = machines.FLOATING[:2 if pair == "active-active" else 1]
        self.databases = Databases(self.directory)
        self.components = self._list()

    @classmethod
    def load(cls, directory):
        """The one that run has started there."""
        try:
            return cls(directory, **json.loads((pathlib.Path(directory) / "settings.json").read_text()))
        except FileNotFoundError:
            raise StackError("nothing was started in %s: examples/web-stack/run" % directory) from None

    def component(self, name):
        return next(one for one in self.components if one.name == name)

    # --- what there is, in the order of starting ---

    def _list(self):
        def one(machine, program, configuration, command, is_ready, **more):
            home = self.directory / machine / program
            words = [str(word).replace("HERE", str(home)) for word in command]
            return Component(machine, program, home, words, configuration, is_ready, **more)

        def replies(machine, port, path):
            return lambda: answers("http://%s:%d%s" % (ADDRESS[machine], port, path))

        def file(machine, path):
            return (self.directory / machine / path).exists

        return [
            *(one(db, "mariadb", "mariadb.cnf", ["mariadbd", "--defaults-file=HERE/mariadb.cnf"],
                  lambda db=db: self.databases.answers(db), owner="mysql") for db in DATABASES),
            *(one(web, "wye", "wye.env", ["HERE/wye"], replies(web, 6070, "/readyz"), owner="wye", user="wye")
              for web in WEBS),
            # More threads than writes that may wait for a primary (maxconn in haproxy.cfg): some are left to who reads.
            *(one(web, "app", "app.env",
                  ["gunicorn", "--chdir", "HERE", "--bind", "unix:HERE/app.sock", "--workers", 2, "--threads", 24,
                   "--worker-tmp-dir", "/dev/shm", "notes:app"],
                  file(web, "app/app.sock"), owner="www-data", user="www-data") for web in WEBS),
            *(one(web, "nginx", "nginx.conf", ["nginx", "-c", "HERE/nginx.conf", "-p", "HERE", "-e", "stderr"],
                  file(web, "nginx/nginx.own.pid")) for web in WEBS),
            *(one(lb, "haproxy", "haproxy.cfg", ["haproxy", "-db", "-f", "HERE/haproxy.cfg"], replies(lb, 8404, "/alive"))
              for lb in BALANCERS),
            *(one(lb, "keepalived", "keepalived.conf",
                  ["keepalived", "--dont-fork", "--vrrp", "--log-console", "--log-detail", "--use-file", "HERE/keepalived.conf",
                   "--pid", "HERE/keepalived.own.pid", "--vrrp_pid", "HERE/vrrp.own.pid"],
                  file(lb, "keepalived/vrrp.own.pid")) for lb in BALANCERS),
            one("mon", "prometheus", "prometheus.yml",
                ["prometheus", "--config.file=HERE/prometheus.yml", "--storage.tsdb.path=HERE/data",
                 "--storage.tsdb.retention.time=2d"], replies("mon", 9090, "/-/ready"), owner="prometheus", user="prometheus"),
        ]

    # --- files ---

    def render(self, template, component=None, **more):
        """A file of conf/ with its @words@ filled in."""
        words = {"ca": self.directory / "ca", "secrets": self.directory / "secrets", "operator": machines.OPERATOR,
                 "balance": self.settings["balance"], **ADDRESS, **more}
        if component:
            name = component.machine
            words |= {"name": name, "address": ADDRESS[name], "dir": component.directory, "machine": component.directory.parent}
        return re.sub(r"@(\w+)@", lambda word: str(words[word[1]]), (HERE / "conf" / template).read_text())

    def configuration(self, component):
        return self.render(component.configuration, component, **{
            "haproxy": self._of_haproxy, "keepalived": self._of_keepalived, "mariadb": self._of_mariadb,
            "nginx": self._of_nginx}.get(component.program, lambda _: {})(component))

    def _of_haproxy(self, _):
        def lines(more):
            return "\n".join("    server %s %s:80 cookie %s %s" % (web, ADDRESS[web], web, more % {"web": web}) for web in WEBS)
        return {"servers": lines("check"), "tracked": lines("track reads/%(web)s maxconn 16")}

    def _of_keepalived(self, component):
        me = component.machine
        peer = next(lb for lb in BALANCERS if lb != me)
        both = len(self.floating) > 1
        return {"instances": "\n".join(
            self.render("vrrp.conf", component, number=number + 1, floating=address, peer=ADDRESS[peer],
                        priority=150 if PREFERS[me] == number else 100,
                        # One address stays where it is when a balancer returns; of two, each balancer takes its own again.
                        preempt="preempt_delay 3" if both else "nopreempt")
            for number, address in enumerate(self.floating))}

    def _of_mariadb(self, component):
        return {"server_id": DATABASES.index(component.machine) + 1}

    def _of_nginx(self, component):
        return {"listen": ADDRESS[component.machine] + ":80"}

    def write(self):
        """All files of all components. The names of those whose configuration is another one than before."""
        changed = set()
        for one in self.components:
            one.directory.mkdir(parents=True, exist_ok=True)
            text, path = self.configuration(one), one.directory / one.configuration
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
                changed.add(one.name)
            if one.program == "app":
                shutil.copytree(HERE / "app", one.directory, dirs_exist_ok=True)
            if one.program == "prometheus":
                shutil.copy(HERE / "conf" / "web.rules.yml", one.directory)
                shutil.copy(REPOSITORY / "examples" / "prometheus" / "wye.rules.yml", one.directory)
        (self.directory / "settings.json").write_text(json.dumps(self.settings) + "\n")
        return changed

    # --- users, passwords, certificates, firewalls ---

    def _make_users(self):
        for name in ("wye", "mysql"):  # the others come with their packages
            try:
                pwd.getpwnam(name)
            except KeyError:
                machines.run("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name)

    def _make_secrets(self):
        folder = self.directory / "secrets"
        folder.mkdir(exist_ok=True)
        for account, reader in PASSWORDS.items():
            if not (folder / account).exists():
                file = os.open(folder / account, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                os.write(file, (secrets.token_urlsafe(24) + "\n").encode())
                os.close(file)
                shutil.chown(folder / account, reader)

    def password(self, account):
        return (self.directory / "secrets" / account).read_text().strip()

    def _make_certificates(self):
        folder = self.directory / "ca"
        folder.mkdir(exist_ok=True)
        machines.run(str(HERE / "certificates"), str(folder), SITE, ",".join(machines.FLOATING),
                     *("%s=%s" % (name, ADDRESS[name]) for name in DATABASES))

    def _make_machine(self, name):
        machines.up(name)
        rules = self.directory / name / "firewall.nft"
        peer = {"lb1": ADDRESS["lb2"], "lb2": ADDRESS["lb1"]}.get(name, "")
        rules.write_text(self.render(name.rstrip("123") + ".nft", peer=peer))
        machines.firewall(name, rules)

    # --- up and down ---

    def up(self, wye):
        """Start what does not run; start again what has another configuration. wye is its binary."""
        if self.directory.exists() and self.directory.stat().st_uid != 0:
            raise StackError("%s is not root's" % self.directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._make_users()
        self._make_secrets()
        self._make_certificates()
        changed = self.write()
        machines.switch_up()
        for name in machines.NAMES:
            self._make_machine(name)
        for name in DATABASES:
            self.databases.make(name)
        for one in self.components:
            if one.program == "wye" and not self._has_binary(one, wye):
                one.stop()
                shutil.copy(wye, one.directory / "wye")
        for program in dict.fromkeys(one.program for one in self.components):
            self._start([one for one in self.components if one.program == program], changed)
            if program == "mariadb":
                self.databases.begin(self.render("accounts.sql", **{name: self.password(name) for name in PASSWORDS}),
                                     self.password("repl"), self.directory / "ca" / "ca.pem")
                self.databases.resume()
                wait_until(self.databases.is_whole, 60, "one primary and two replicas that follow it")
        self.wait_whole()

    @staticmethod
    def _has_binary(component, wye):
        there = component.directory / "wye"
        return there.exists() and filecmp.cmp(there, wye, shallow=False)

    def _start(self, components, changed):
        for one in components:
            if one.name in changed:
                one.stop()
            if not one.pid:
                shutil.chown(one.directory, one.owner)
                one.start()
        for one in components:
            one.wait_ready()

    def wait_whole(self, seconds=60):
        """Until everything works together, which is more than that everything runs."""
        wait_until(self.databases.is_whole, seconds, "one primary and two replicas that follow it")
        for web in WEBS:
            wait_until(lambda: answers("http://%s:6070/readyz" % ADDRESS[web]), seconds, "wye on " + web)
        for lb in BALANCERS:
            wait_until(lambda: self.in_rotation(lb) == set(WEBS), seconds, "both web servers in rotation at " + lb)
        wait_until(lambda: None not in self.holders(), seconds, "the floating addresses")

    def in_rotation(self, lb):
        """The web servers that a balancer sends requests to."""
        try:
            lines = urllib.request.urlopen("http://%s:8404/;csv" % ADDRESS[lb], timeout=2).read().decode().splitlines()
        except OSError:
            return set()
        rows = [line.split(",") for line in lines[1:]]
        return {row[1] for row in rows if row[0] == "reads" and row[1] in WEBS and row[17].startswith("UP")}

    def holders(self):
        """For each floating address the balancer that has it; None for one that nobody or everybody has."""
        found = [[lb for lb in BALANCERS if machines.holds(lb, address)] for address in self.floating]
        return [names[0] if len(names) == 1 else None for names in found]

    def rebuild(self, name):
        """A database from a backup of the primary: for one whose data are gone, or that has transactions of its own."""
        server, source = self.component(name + "/mariadb"), self.databases.primary()
        if source in (None, name):
            raise StackError("%s is the primary, or there is none" % name)
        server.stop()
        position = self.databases.copy(name, source)
        machines.unplug(name)  # else wye, which is quick, lets it follow from where the backup's own replication once stood
        try:
            server.start()
            server.wait_ready()
            self.databases.replicate(name, source, self.password("repl"), self.directory / "ca" / "ca.pem", position)
        finally:
            machines.plug(name)
        wait_until(lambda: self.databases.follows(name), 60, "%s to follow %s" % (name, source))

    def down(self):
        for one in reversed(self.components):
            one.stop()
        machines.down()
        shutil.rmtree(self.directory, ignore_errors=True)
