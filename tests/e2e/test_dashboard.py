"""The dashboard in a browser: it is live, sorts, explains, and shows what others have written as text."""

import re

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from endpoint import wait_until

# The servers' kind does not matter here.
pytestmark = pytest.mark.flavor("mariadb")

LAPTOP, PHONE = (1280, 800), (390, 844)
EVIL_NAME = "<i>eve</i>"


@pytest.fixture(scope="module")
def wye_options():
    return ["--threads", "2", "--set", "max_lag=1s", "--set", "monitor_interval=100ms", "--set", "slow_start=0"]


class Browser:
    def __init__(self, directory):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                         "--disable-background-networking", "--disable-component-update", "--disable-sync",
                         "--user-data-dir=%s" % directory):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.size(*LAPTOP)

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})

    def scheme(self, word):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                    {"features": [{"name": "prefers-color-scheme", "value": word}]})

    def open(self, wye):
        self.driver.get("http://127.0.0.1:%d/?every=250" % wye.http_port)
        self.after_looks(2)

    def run(self, script, *arguments):
        return self.driver.execute_script("return " + script, *arguments)

    def after_looks(self, n):
        """Waits until the page has looked at wye so many times more."""
        began = int(self.run("document.body.dataset.looks ?? 0"))
        wait_until(lambda: int(self.run("document.body.dataset.looks ?? 0")) >= began + n, "the page to look at wye")

    def text(self, selector):
        return self.run("document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def texts(self, selector):
        return self.run("[...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", selector)

    def click(self, selector):
        self.run("document.querySelector(arguments[0]).click()", selector)

    def sees(self, selector, text):
        try:
            wait_until(lambda: text in self.text(selector), "the text")
        except AssertionError:
            raise AssertionError("%r shows %r, not %r" % (selector, self.text(selector), text)) from None

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    one = Browser(tmp_path_factory.mktemp("chromium"))
    try:
        yield one
    finally:
        one.driver.quit()


@pytest.fixture
def page(browser, wye, cluster):
    """The page as it is opened on a laptop; it must not have complained of anything."""
    browser.size(*LAPTOP)
    browser.scheme("light")
    browser.complaints()
    browser.open(wye)
    yield browser
    assert browser.complaints() == []


def statement_row(text):
    return "#statements tbody tr:has(code[title*=\"%s\"])" % text


def tile(page, name):
    """The value of a tile."""
    names = page.texts(".tile span")
    return page.texts(".tile b")[names.index(name)]


# --- live ---

def test_what_runs_shows_without_a_reload(page, wye, cluster):
    assert page.text("#ready") == "ready"
    assert len(page.texts("#servers tbody tr")) == 3
    before = page.run("performance.timeOrigin")
    with wye.session() as session:
        def busy():
            for _ in range(20):
                session.value("SELECT 'seen live', name FROM whoami")
            return tile(page, "statements") != "0" and tile(page, "clients") == "1"
        wait_until(busy, "the tiles to show what runs")
        wait_until(lambda: page.texts(statement_row("name FROM whoami")), "the statement to be listed")
        page.sees("#pools", cluster.replicas[0].address)
        count = page.texts(statement_row("name FROM whoami") + " td:nth-child(3)")[0]
        wait_until(lambda: busy() and page.texts(statement_row("name FROM whoami") + " td:nth-child(3)")[0] != count,
                   "the statement's count to grow")
    points = page.run("Chart.getChart('chart-routes').data.datasets.map((set) => set.data.length)")
    assert len(points) >= 2 and min(points) > 2
    assert page.run("Chart.getChart('chart-routes').data.datasets.some((set) => set.label === 'replica' && set.data.some((p) => p.y > 0))")
    wait_until(lambda: tile(page, "clients") == "0", "the client to be gone")
    assert page.run("performance.timeOrigin") == before


def test_a_drained_replica_and_its_event_show(page, wye, cluster):
    replica = cluster.replicas[0]
    page.click("#theme")  # which must not disturb
    wye.console("DRAIN '%s'" % replica.address)
    try:
        page.sees("#servers", "drained")
        page.sees("#events tbody tr:first-child", replica.address)
        assert tile(page, "replicas") == "1 of 2"
    finally:
        wye.console("RESUME '%s'" % replica.address)
        page.click("#theme")
    wait_until(lambda: tile(page, "replicas") == "2 of 2", "the replica to be back on the page")


def test_a_late_replica_shows_with_its_reason(page, wye, hurt):
    replica = hurt.replicas[0]
    hurt.lag(replica, 5)
    try:
        with wye.session() as session:
            session.run("CREATE TABLE IF NOT EXISTS tick (n INT)")

            def late():
                session.run("INSERT INTO tick VALUES (1)")
                return "lagging" in page.text("#servers")
            wait_until(late, "the late replica to show")
        page.sees("#servers", "behind, max_lag is 1.0 s")
        page.sees("#servers", "out of the pool")
        wait_until(lambda: page.run("Chart.getChart('chart-lag').data.datasets.some((set) => set.data.some((p) => p.y > 1))"),
                   "the lag in its chart")
    finally:
        hurt.lag(replica, 0)


def test_a_wye_that_stops_answering_is_said(page, wye):
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions",
                                {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
    try:
        page.sees("#problem", "wye does not answer")
        assert page.text("#ready") == "no answer"
    finally:
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions",
                                    {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
    wait_until(lambda: page.run("document.getElementById('problem').hidden"), "the page to find wye again")
    assert all("ERR_INTERNET_DISCONNECTED" in line for line in page.complaints())


# --- sorting and explaining ---

@pytest.fixture
def statements(wye, cluster):
    """Three that differ in how often they ran and how long they took."""
    with wye.session() as session:
        session.value("SELECT SLEEP(0.03), 'slowest' FROM whoami")
        for _ in range(4):
            session.value("SELECT 'middle', 1, name FROM whoami")
        for _ in range(60):
            session.value("SELECT 'often', 1, 2, name FROM whoami")


def shown(page, column):
    return [int(text.replace(",", "")) for text in page.texts("#statements tbody td:nth-child(%d)" % column)]


def test_a_click_on_a_column_sorts_by_it(page, statements):
    count, header = 3, "#statements th:nth-child(3)"
    wait_until(lambda: page.texts(statement_row("?, ?, ?, name")), "the statements to be listed")
    assert page.run("document.querySelector('#statements th[aria-sort]').textContent") == "all time"
    page.click(header + " button")
    wait_until(lambda: page.run("document.querySelector(arguments[0]).ariaSort", header) == "descending", "the order")
    down = shown(page, count)
    assert down == sorted(down, reverse=True) and down[0] >= 60
    page.click(header + " button")
    wait_until(lambda: page.run("document.querySelector(arguments[0]).ariaSort", header) == "ascending", "the other order")
    up = shown(page, count)
    assert up == sorted(up) and up[0] < up[-1]
    page.after_looks(4)  # the order stays
    up = shown(page, count)
    assert up == sorted(up)


def test_a_click_on_a_statement_explains_its_route(page, statements, cluster):
    wait_until(lambda: page.texts(statement_row("SLEEP")), "the statement to be listed")
    page.click(statement_row("SLEEP") + " code")
    page.sees("#explanation", "replica")
    assert page.text("#explanation .badge") == "replica" and page.text("#explanation .verdict b") == "read"
    for server in cluster.servers:
        assert server.address in page.text("#explanation")
    assert "[chosen]" in page.text("#explanation .chosen")
    page.run("document.querySelector('#explain .close').click()")
    assert not page.run("document.getElementById('explain').open")


def test_any_statement_can_be_explained(page):
    page.click("#explain-own")
    page.run("document.getElementById('explain-statement').value = arguments[0]", "UPDATE t SET a = 1 WHERE b = 'ü & <b>'")
    page.click("#explain-run")
    page.sees("#explanation", "write")
    assert page.text("#explanation .badge") == "primary"
    page.run("document.getElementById('explain-statement').value = 'SELECT name FROM whoami'")
    page.run("document.getElementById('explain-after').value = 'BEGIN'")
    page.click("#explain-run")
    page.sees("#explanation", "in-transaction")
    page.run("document.getElementById('explain-statement').value = ' ; '")
    page.click("#explain-run")
    page.sees("#explanation", "A statement is missing")
    assert any("400" in line for line in page.complaints())


# --- text is text ---

@pytest.fixture
def eve(cluster, wye):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE OR REPLACE USER '%s'@'%%' IDENTIFIED BY '%s'" % (EVIL_NAME, EVIL_NAME))
        root.run("GRANT SELECT, CREATE TEMPORARY TABLES ON app.* TO '%s'@'%%'" % EVIL_NAME)
        yield EVIL_NAME
        root.run("DROP USER '%s'@'%%'" % EVIL_NAME)


def test_what_others_have_written_shows_as_text(page, wye, eve):
    evil = "<script>hacked=1</script><img src=x onerror=hacked=1>"
    with wye.session(eve) as session:
        session.run("CREATE TEMPORARY TABLE `%s` (a INT)" % evil)
        session.run("SELECT a AS `%s` FROM `%s`" % (evil, evil))
        wait_until(lambda: any(evil in text for text in page.texts("#statements code")), "the statement to be listed")
        page.sees("#pinned", EVIL_NAME)
        page.sees("#pinned code", evil)
        # Its explanation names the table that it makes.
        page.click("#statements tbody tr code[title^=CREATE][title*=hacked]")
        wait_until(lambda: evil in page.run("document.getElementById('explain-statement').value"), "the dialog")
        page.sees("#explanation", evil)
        page.after_looks(2)
    assert page.run("typeof window.hacked") == "undefined"
    assert page.run("document.querySelectorAll('main i:not(.tile i), main script, main img, dialog img, dialog script').length") == 0


def test_nothing_comes_from_elsewhere(page, wye):
    page.after_looks(2)
    origin = "http://127.0.0.1:%d/" % wye.http_port
    loaded = page.run("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert len(loaded) > 8 and all(name.startswith((origin, "data:image/svg+xml")) for name in loaded)


# --- how it looks ---

@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(page, statements, size, scheme):
    page.size(*size)
    page.scheme(scheme)
    page.after_looks(3)
    assert page.run("document.documentElement.scrollWidth") <= size[0]
    out = page.run("""[...document.querySelectorAll('main *, header *')].filter((e) => {
        const box = e.getBoundingClientRect(); return box.width && (box.right > innerWidth + 1 || box.left < -1); }).map((e) => e.outerHTML.slice(0, 90))""")
    assert out == []
    text, back = page.run("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    dark = scheme == "dark"
    assert (brightness(back) < 60) == dark and abs(brightness(text) - brightness(back)) > 150


def brightness(colour):
    return sum(int(n) for n in re.findall(r"\d+", colour)[:3]) / 3


def test_the_choice_of_light_or_dark_is_kept(page, wye):
    page.click("#theme")
    assert page.run("document.documentElement.classList.contains('dark')")
    page.open(wye)
    assert page.run("document.documentElement.classList.contains('dark')")
    page.run("localStorage.clear()")
