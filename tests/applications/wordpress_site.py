"""A WordPress of this distribution in a folder of its own, served by PHP, and visitors that look at its pages."""

import http.cookiejar
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from endpoint import wait_until
from wye_cluster.cluster import free_ports
from wye_process import REPOSITORY

INSTALLED = pathlib.Path("/usr/share/wordpress")
DROP_IN = REPOSITORY / "examples" / "wordpress" / "db.php"

CONFIG = """<?php
define('DB_HOST', '%(host)s:%(port)d');
define('DB_NAME', '%(account)s');
define('DB_USER', '%(account)s');
define('DB_PASSWORD', '%(account)s');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('AUTH_KEY', 'k'); define('SECURE_AUTH_KEY', 'k'); define('LOGGED_IN_KEY', 'k'); define('NONCE_KEY', 'k');
define('AUTH_SALT', 's'); define('SECURE_AUTH_SALT', 's'); define('LOGGED_IN_SALT', 's'); define('NONCE_SALT', 's');
define('WP_HTTP_BLOCK_EXTERNAL', true);  // nobody is asked for updates
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_DEBUG', true);
define('WP_DEBUG_DISPLAY', false);
define('WP_DEBUG_LOG', '%(log)s');
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""

# All guests come from one address here, and sooner after each other than WordPress takes comments from one.
PATIENT = "<?php add_filter('comment_flood_filter', '__return_false', 20);\n"


class Site:
    """Served until stop(). `drop_in`: with examples/wordpress/db.php."""

    def __init__(self, directory, endpoint, account, drop_in):
        self.root = directory / "site"
        self.log = directory / "debug.log"  # WordPress's own: errors of the database, among others
        self.log.touch()
        shutil.copytree(INSTALLED, self.root, ignore_dangling_symlinks=True)
        (self.root / "wp-config.php").write_text(CONFIG % {
            "host": endpoint.host, "port": endpoint.port, "account": account, "log": self.log})
        (self.root / "wp-content" / "mu-plugins").mkdir()
        (self.root / "wp-content" / "mu-plugins" / "patient.php").write_text(PATIENT)
        if drop_in:
            shutil.copy(DROP_IN, self.root / "wp-content")
        port = free_ports(1)
        self.url = "http://127.0.0.1:%d" % port
        with open(directory / "php.log", "wb") as log:
            self.process = subprocess.Popen(
                ["php", "-d", "sendmail_path=/bin/true", "-S", "127.0.0.1:%d" % port, "-t", str(self.root)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "PHP_CLI_SERVER_WORKERS": "4"},
                start_new_session=True)
        wait_until(self._answers, "PHP to serve pages")

    def _answers(self):
        assert self.process.poll() is None, "PHP does not serve: is its port taken?"
        try:
            return urllib.request.urlopen(self.url + "/readme.html", timeout=30).status == 200
        except OSError:
            return False

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Visitor:
    """A browser of somebody's: his cookies, and the pages that he gets. A page that tells of an error is one."""

    def __init__(self, site):
        self.site = site
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.pages = 0

    def _open(self, path, body=None, headers=None):
        request = urllib.request.Request(self.site.url + path, body, headers or {})
        self.pages += 1
        try:
            text = self.opener.open(request, timeout=120).read().decode()
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            # Not found is a page as any other, for whoever reads from a replica that does not have the post yet.
            assert error.code == 404, "%s: %s: %s" % (path, error, text[:1500])
        for wrong in ("Error establishing a database connection", "WordPress database error", "critical error"):
            assert wrong not in text, "%s: %s" % (path, text[:1500])
        return text

    def get(self, path="/"):
        return self._open(path)

    def send(self, path, **fields):
        """The page that a form leads to."""
        return self._open(path, urllib.parse.urlencode(fields).encode())

    def log_in(self, name, password):
        self.get("/wp-login.php")  # which leaves a cookie, to see whether it comes back
        return self.send("/wp-login.php", log=name, pwd=password, redirect_to=self.site.url + "/wp-admin/", testcookie="1")

    def call(self, what, **fields):
        """The REST interface, as the editor uses it."""
        editor = self.get("/wp-admin/post-new.php")
        nonce = re.search(r'createNonceMiddleware\( "(\w+)" \)', editor)
        assert nonce, "the editor is not there: " + editor[:1500]
        headers = {"Content-Type": "application/json", "X-WP-Nonce": nonce.group(1)}
        return json.loads(self._open("/?rest_route=/wp/v2/" + what, json.dumps(fields).encode(), headers))
