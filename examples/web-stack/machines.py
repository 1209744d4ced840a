"""The machines of the stack: network namespaces at one switch, each with a firewall of its own.

Nothing of it is in the machine's own network but one end of a cable, `wye-web`, by which visitors and the operator come in.
"""

import pathlib
import subprocess

NAMES = ("lb1", "lb2", "web1", "web2", "db1", "db2", "db3", "mon")
NETWORK = "10.77.0."
OPERATOR = NETWORK + "1"
CABLE = "wye-web"
SWITCH = "wye-switch"
ADDRESS = {name: NETWORK + last for name, last in zip(NAMES, "11 12 21 22 31 32 33 41".split())}
FLOATING = [NETWORK + "101", NETWORK + "102"]  # the second one in an active/active pair only


def namespace(name):
    return name if name == SWITCH else "wye-" + name


def inside(name):
    """The beginning of a command that runs in a machine. (`ip netns exec` mounts things, which not every root permits.)"""
    return ["nsenter", "--net=/run/netns/" + namespace(name)]


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode:
        raise OSError("%s: %s" % (" ".join(command), done.stdout.strip()))
    return done.stdout


def exists(name):
    return pathlib.Path("/run/netns", namespace(name)).exists()


def switch_up():
    if exists(SWITCH):
        return
    run("ip", "netns", "add", SWITCH)
    run("ip", "-n", SWITCH, "link", "add", "switch", "type", "bridge")
    run("ip", "-n", SWITCH, "link", "set", "switch", "up")
    run("ip", "link", "add", CABLE, "type", "veth", "peer", "name", "operator", "netns", SWITCH)
    run("ip", "-n", SWITCH, "link", "set", "operator", "master", "switch", "up")
    run("ip", "address", "add", OPERATOR + "/24", "dev", CABLE)
    run("ip", "link", "set", CABLE, "up")


def up(name):
    if not exists(name):
        run("ip", "netns", "add", namespace(name))
        run("ip", "-n", SWITCH, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", namespace(name))
        run("ip", "-n", SWITCH, "link", "set", name, "master", "switch", "up")
        run("ip", "-n", namespace(name), "address", "add", ADDRESS[name] + "/24", "dev", "eth0")
        run("ip", "-n", namespace(name), "link", "set", "lo", "up")
        run("ip", "-n", namespace(name), "link", "set", "eth0", "up")


def firewall(name, rules):
    run(*inside(name), "nft", "flush ruleset; include \"%s\"" % rules)


def unplug(name):
    run("ip", "-n", SWITCH, "link", "set", name, "down")


def plug(name):
    run("ip", "-n", SWITCH, "link", "set", name, "up")


def down():
    for name in (*NAMES, SWITCH):
        if exists(name):
            run("ip", "netns", "delete", namespace(name))


def holds(name, address):
    return exists(name) and (address + "/") in run("ip", "-n", namespace(name), "-4", "address", "show", "eth0")
