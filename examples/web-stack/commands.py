"""The commands run, stop and drill of the web stack."""

import argparse
import os
import pathlib
import sys

import databases
import drill
from component import StackError
from stack import REPOSITORY, SETTINGS, SITE, Stack
from wye_cluster.sql_client import SqlError


def run(options):
    stack = Stack(options.dir, options.balance, options.pair)
    print("web-stack: starting in %s" % stack.directory, flush=True)
    stack.up(os.environ.get("WYE_BIN") or REPOSITORY / "build" / "wye")
    lb = ", ".join("%s on %s" % pair for pair in zip(stack.floating, stack.holders()))
    print("web-stack: it runs. The site is at %s." % lb)
    print("  site        curl --cacert %s/ca/ca.pem --resolve %s:443:%s https://%s/"
          % (stack.directory, SITE, stack.floating[0], SITE))
    print("  balancers   http://10.77.0.11:8404/  http://10.77.0.12:8404/")
    print("  wye         http://10.77.0.21:6070/  http://10.77.0.22:6070/")
    print("  console     mariadb -S %s/web1/wye/wye-admin.sock -u admin -e 'SELECT * FROM stats_servers'" % stack.directory)
    print("  alerts      http://10.77.0.41:9090/alerts")


def stop(options):
    Stack.load(options.dir).down()
    print("web-stack: stopped, and removed %s" % options.dir)


def rebuild(options):
    Stack.load(options.dir).rebuild(options.database)
    print("web-stack: %s follows the primary" % options.database)


def try_losses(options):
    drill.drill(Stack.load(options.dir), options.rate, options.component)


def arguments():
    parser = argparse.ArgumentParser(prog="web-stack")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, function in (("run", run), ("stop", stop), ("rebuild", rebuild), ("drill", try_losses)):
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        command.add_argument("--dir", type=pathlib.Path, default="/tmp/wye-web-stack")
    for name, choices in SETTINGS.items():
        commands.choices["run"].add_argument("--" + name, choices=choices, default=choices[0])
    commands.choices["rebuild"].add_argument("database", choices=databases.NAMES)
    commands.choices["drill"].add_argument("--rate", type=int, default=40)
    commands.choices["drill"].add_argument("component", nargs="*")
    return parser.parse_args()


def main():
    options = arguments()
    try:
        options.function(options)
    except (StackError, SqlError, OSError) as error:
        sys.exit("web-stack: %s" % error)


if __name__ == "__main__":
    main()
