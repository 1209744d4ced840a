"""What the stack says of itself while something is away: who has the address, who is in rotation, who is the primary."""

import json
import urllib.request

import machines
from machines import ADDRESS
from stack import BALANCERS, WEBS

NAME = {address: name for name, address in ADDRESS.items()}


def ask(name, port, path):
    """JSON from a machine, None when it does not answer."""
    try:
        return json.load(urllib.request.urlopen("http://%s:%d%s" % (ADDRESS[name], port, path), timeout=1))
    except (OSError, ValueError):
        return None


class Witness:
    def __init__(self, stack, lost):
        self.stack, self.lost = stack, lost.partition("/")[0]
        self.before = self._look()
        self.told = []

    def look(self):
        """Notes what is not as it was before, the first time that it is."""
        for fact in sorted(self._look() - self.before - set(self.told)):
            self.told.append(fact)

    def _look(self):
        balancers = [lb for lb in BALANCERS if lb != self.lost]
        webs = [web for web in WEBS if web != self.lost]
        facts = {"%s has the address" % lb for lb in balancers for address in self.stack.floating if machines.holds(lb, address)}
        rotation = set().union(*map(self.stack.in_rotation, balancers))
        if rotation:  # else no balancer answered
            facts |= {"%s out of rotation" % web for web in WEBS if web not in rotation}
        for web in webs:
            servers = ask(web, 6070, "/api/v1/stats_servers") or []
            facts |= {"%s is the primary" % NAME[row["server"].partition(":")[0]] for row in servers if row["role"] == "primary"}
        alerts = ask("mon", 9090, "/api/v1/alerts") or {"data": {"alerts": []}}
        return facts | {"alert %s" % alert["labels"]["alertname"] for alert in alerts["data"]["alerts"]}
