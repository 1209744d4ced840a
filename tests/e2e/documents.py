"""The blocks of README.md and docs/, and how each kind is run.

Every block says behind its first three backticks what it is:

    text                 output, a picture, a file
    console              shell commands, on the lines that begin with "$ "; what stands between them is output
    console start        the command that starts wye in front of the servers; it stays
    console ends         commands after which the wye of this page ends
    console elsewhere    commands that other steps run, which ELSEWHERE names
    sql console          statements for wye's console
    sql client           statements of an application, through wye
    sql server           statements for the primary, by root; `sql mariadb` and `sql mysql` for that flavor's
    python app           a program, whole, that connects to wye and fails if it is not served as it must be; likewise
                         ruby, php, java (named as its class is) and javascript

Statements for servers run first, since what they allow is what wye is started with. A page that does not start wye gets one.
"""

import re

# The file of such a program.
PROGRAMS = {"python app": "app.py", "ruby app": "app.rb", "php app": "app.php", "java app": "Visits.java", "javascript app": "app.js"}
KINDS = {*PROGRAMS, "text", "console", "console start", "console ends", "console elsewhere", "sql console", "sql client",
         "sql server", "sql mariadb", "sql mysql"}
ON_SERVER = {"sql server", "sql mariadb", "sql mysql"}

# What only another step can run, and which does: tests/run builds and runs itself and the quickstart, tests/package/run
# makes the package. What needs root and a machine to itself is run by hand.
ELSEWHERE = {
    "./examples/quickstart": "tests/run",
    "./tests/run": "tests/run",
    "tests/install build && cmake --preset release && cmake --build --preset release": "tests/run",
    "ctest --test-dir build": "tests/run",
    "/usr/bin/python3 -m pytest tests/e2e/test_hints.py -q --flavor mariadb,mysql": "tests/run",
    # As root, in minutes, on a machine of its own: by hand. test_web_stack.py has its configurations checked.
    "sudo examples/web-stack/run": "by hand",
    "sudo examples/web-stack/drill": "by hand",
    "sudo examples/web-stack/stop": "by hand",
    "tests/install build package && cmake --preset package && cmake --build --preset package": "tests/package/run",
}


class Block:
    def __init__(self, line, kind, text):
        self.line, self.kind, self.text = line, kind, text

    def commands(self):
        """Those of a console, without the comments behind them; a line that ends with a backslash goes on."""
        found = re.findall(r"^\$ ((?:.*\\\n)*.*)$", self.text, re.MULTILINE)
        return [re.sub(r"\s+# .*$", "", command).strip() for command in found]


def blocks(path):
    """The blocks of a page in their order. What is indented by four blanks would be one without a kind."""
    found, kind, began, text = [], None, 0, []
    before = ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("```") and kind is None:
            kind, began, text = line[3:].strip(), number, []
        elif line.startswith("```"):
            found.append(Block(began, kind, "\n".join(text) + "\n"))
            kind = None
        elif kind is not None:
            text.append(line)
        elif line.startswith("    ") and not before.strip():
            found.append(Block(number, "indented", line))
        before = line
    assert kind is None, "%s:%d: the block does not end" % (path, began)
    return found
