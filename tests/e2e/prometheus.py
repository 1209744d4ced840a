"""A Prometheus of Debian's package beside wye, with the configuration and rules of examples/prometheus.

Only times differ from the examples: it scrapes and judges a few times a second, and what is "for 5m" there is so at
once here.
"""

import json
import pathlib
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from endpoint import wait_until
from wye_cluster.cluster import free_ports
from wye_process import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
RULES = EXAMPLES / "prometheus" / "wye.rules.yml"
CONFIGURATION = EXAMPLES / "prometheus" / "prometheus.yml"
INTERVAL = "250ms"
WINDOW = "[5s]"


def alert_names():
    return re.findall(r"- alert: (\w+)", RULES.read_text())


def promtool(*arguments, text=None):
    """What promtool prints; it must find nothing wrong."""
    done = subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Prometheus:
    def __init__(self, directory, targets):
        self.directory = pathlib.Path(directory)
        self.port = free_ports(1)
        # changes() sees one where both its sides are within the window: what is started again may take its time.
        rules = re.sub(r"(changes\(.*)\[15m\]", r"\1[60s]", RULES.read_text())
        self._write("wye.rules.yml", re.sub(r"\[\d+m\]", WINDOW, re.sub(r"for: \w+", "for: 0s", rules)))
        configuration = re.sub(r"(_interval): \w+", r"\1: " + INTERVAL, CONFIGURATION.read_text())
        configuration, n = re.subn(r"targets: \[.*?\]", "targets: %s" % json.dumps(targets), configuration)
        assert n == 1
        promtool("check", "config", self._write("prometheus.yml", configuration))
        with open(self.directory / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=warn",
                 "--web.listen-address=127.0.0.1:%d" % self.port], cwd=self.directory, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)

    def _write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def ask(self, path, **arguments):
        """The data that its API answers with."""
        url = "http://127.0.0.1:%d/api/v1/%s?%s" % (self.port, path, urllib.parse.urlencode(arguments))
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError("%s: %s" % (arguments or path, error.read().decode())) from None

    def ready(self, targets):
        def scrapes():
            assert self.process.poll() is None, (self.directory / "log").read_text()
            try:
                urllib.request.urlopen("http://127.0.0.1:%d/-/ready" % self.port, timeout=10).close()
            except OSError:
                return False
            return len(self.query("up == 1")) == targets
        wait_until(scrapes, "Prometheus to scrape %d targets" % targets)
        return self

    def query(self, expression):
        return self.ask("query", query=expression)["result"]

    def firing(self):
        return {alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"}

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
