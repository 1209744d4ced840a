"""Running SQL on a server through its command line client, with the rows back as dictionaries.

The client's XML output is read, because it tells NULL from 'NULL' and keeps newlines and column names.
"""

import re
import subprocess
import xml.etree.ElementTree as ElementTree


DELIMITER = "$next$"


class SqlError(Exception):
    """The server refused a statement: code and sqlstate are its own; code 0 when it could not be reached."""

    def __init__(self, text):
        match = re.search(r"ERROR (\d+)(?: \((\w+)\))?.*?: (.*)", text, re.S)
        self.code = int(match.group(1)) if match else 0
        self.sqlstate = match.group(2) if match else None
        self.message = (match.group(3) if match else text).strip()
        super().__init__("%d: %s" % (self.code, self.message) if match else text.strip())


def _rows(text):
    """The rows of the last result set in the client's XML, which is one document per statement."""
    # XML knows no control characters, but the client passes them on from the values.
    text = re.sub(r"<\?xml[^>]*\?>|[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)
    sets = ElementTree.fromstring("<all>" + text + "</all>").findall("resultset")
    null = "{http://www.w3.org/2001/XMLSchema-instance}nil"
    return [{field.get("name"): None if field.get(null) == "true" else field.text or "" for field in row}
            for row in (sets[-1] if sets else ())]


def run_sql(client, statement, *, socket=None, host=None, port=None, user="root", password="", database=None,
            timeout=30):
    """Run statements with the client command (a list) and return the last one's rows.

    The statement is one text that the client splits at ';', or a list of statements that are sent whole.
    """
    command = client + ["--user=" + user, "--password=" + password, "--xml", "--connect-timeout=5"]
    command += ["--socket=" + str(socket)] if socket else ["--host=" + host, "--port=%d" % port, "--protocol=tcp"]
    if not isinstance(statement, str):
        command.append("--delimiter=" + DELIMITER)
        statement = DELIMITER.join(statement)
    if database:
        command.append("--database=" + database)
    try:
        done = subprocess.run(command, input=statement, capture_output=True, timeout=timeout, encoding="utf-8",
                              errors="replace")
    except subprocess.TimeoutExpired:
        raise SqlError("no answer within %s seconds to: %s" % (timeout, statement[:100])) from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if not line.startswith("mysql: [Warning]")]
        raise SqlError("\n".join(errors) or "%s ended with status %d" % (client[0], done.returncode))
    return _rows(done.stdout)
