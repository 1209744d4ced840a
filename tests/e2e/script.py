"""Scripts of a client's session: read from files, played at the wire level, their answers compared.

A file (tests/e2e/differential/*.script) holds many:

    === what it is about [| mariadb] [| mysql] [| modern]      a script for all flavors unless one is named;
                                                               modern: the client asks for trackers and no EOF
    === what it is about | found-rows | no-local               capabilities that its clients have besides, or lack:
                                                               CAPABILITIES below
    SELECT 1                      a statement of session a, in one line;
      FROM t                      lines that are indented continue it
    b> SELECT 1                   one of session b, which is connected when it is first named
    b& SELECT SLEEP(9)            sent, and awaited on the server, but its answer not read; where it names {db}, it is
                                  any statement that does
    b&lock UPDATE ...             the same, and it waits for a row's lock there
    b<                            the answer
    !prepare s SELECT ?           commands of the protocol: see COMMANDS below; arguments are Python literals
    # a comment

{db} is the script's own schema, which session a has just created and chosen; every way to the servers has one of its
own, with a name of the same length. {id:b} is session b's connection id. `!table` makes the table t of three rows that
most scripts want.
"""

import ast
import pathlib
import re
import zlib

from pymysql.constants import CLIENT, COMMAND

from exact_client import MODERN, PLAIN, QUERY_ATTRIBUTES, ExactClient

RESET_CONNECTION = 31  # which PyMySQL does not know

CAPABILITIES = {"found-rows": CLIENT.FOUND_ROWS, "ignore-space": CLIENT.IGNORE_SPACE, "interactive": CLIENT.INTERACTIVE,
                "attributes": QUERY_ATTRIBUTES}
LACKING = {"no-local": CLIENT.LOCAL_FILES, "one-statement": CLIENT.MULTI_STATEMENTS}

TABLE = ["CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20), n INT, KEY (n)) ENGINE=InnoDB",
         "INSERT INTO t (v, n) VALUES ('one', 10), ('two', 20), ('three', 30)"]

# Numbers that wye makes itself where a server has others: of statements, of connections.
OWN_NUMBERS = re.compile(r"(Unknown prepared statement handler \(|Unknown thread id: |The statement \(|owner of thread )\d+")


class Script:
    def __init__(self, title, words=()):
        self.title = title
        self.flavors = [word for word in words if word in ("mariadb", "mysql")]
        self.flags = MODERN if "modern" in words or zlib.crc32(title.encode()) & 1 else PLAIN
        for word in set(words) - {"mariadb", "mysql", "modern"}:
            self.flags = self.flags & ~LACKING[word] if word in LACKING else self.flags | CAPABILITIES[word]
        self.steps = []


def read_scripts(text):
    scripts = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("==="):
            title, *words = [word.strip() for word in line[3:].split("|")]
            scripts.append(Script(title, words))
        elif line[0].isspace():
            scripts[-1].steps[-1] += "\n" + line
        elif line == "!table":
            scripts[-1].steps += TABLE
        else:
            scripts[-1].steps.append(line)
    return scripts


def scripts_of(directory, flavor):
    return [script for path in sorted(pathlib.Path(directory).glob("*.script"))
            for script in read_scripts(path.read_text()) if not script.flavors or flavor in script.flavors]


# --- the commands of the protocol ---

def literals(text):
    value = ast.literal_eval(text or "()")
    return value if isinstance(value, tuple) else (value,)


def execute(client, text, **how):
    name, _, values = text.partition(" ")
    return client.execute(name, literals(values), **how)


def long_data(client, text):
    name, parameter, data = text.split(" ", 2)
    return client.long_data(name, int(parameter), ast.literal_eval(data))


def fetch(client, text):
    name, rows = text.split()
    return client.fetch(name, int(rows))


def with_attributes(client, text):
    """The attributes of the next statement, which a client with that capability has."""
    client.attributes = ast.literal_eval(text)
    return []


def give_file(client, text):
    client.file = ast.literal_eval(text)
    return []


def reset_connection(client, _):
    client.statements.clear()
    return client.ask(RESET_CONNECTION)


def change_user(client, text):
    user, _, schema = text.partition(" ")
    client.statements.clear()
    return client.change_user(user, schema)


COMMANDS = {
    "bytes": lambda client, text: client.run(ast.literal_eval(text)),
    "prepare": lambda client, text: client.prepare(*text.partition(" ")[::2]),
    "execute": execute,
    "execute-untyped": lambda client, text: execute(client, text, types=False),
    "open": lambda client, text: execute(client, text, cursor=True),
    "fetch": fetch,
    "long": long_data,
    "reset-statement": lambda client, text: client.reset_statement(text),
    "close": lambda client, text: client.close_statement(text),
    "file": give_file,
    "attributes": with_attributes,
    "init": lambda client, text: client.ask(COMMAND.COM_INIT_DB, text.encode()),
    "fields": lambda client, text: client.ask(COMMAND.COM_FIELD_LIST, text.encode() + b"\0"),
    "option": lambda client, text: client.ask(COMMAND.COM_SET_OPTION, int(text).to_bytes(2, "little")),
    "ping": lambda client, _: client.ask(COMMAND.COM_PING),
    "reset": reset_connection,
    "change-user": change_user,
    "command": lambda client, text: client.ask(int(text)),
}


# --- playing ---

class Player:
    """One way to the servers: plays scripts, each in a schema of its own, and drops that afterwards."""

    def __init__(self, endpoint, letter, blocked, drop):
        self.endpoint, self.letter = endpoint, letter
        self.blocked, self.drop = blocked, drop  # (statement, needs a lock): waits; (schema): drops it

    def play(self, script, number):
        """What was answered to each step, as the session that is compared with would have seen it."""
        stage = Stage(self, script, "app_%s%06d" % (self.letter, number))
        stage.create()
        try:
            return [stage.known(stage.step(step)) for step in script.steps]
        finally:
            stage.close()
            self.drop(stage.schema)


class Stage:
    """The sessions of one script, in a schema that create() makes unless it is there already."""

    def __init__(self, player, script, schema):
        self.player, self.script, self.schema = player, script, schema
        self.clients = {}

    def create(self):
        first = self.client("a", None)
        for statement in ("CREATE DATABASE " + self.schema, "USE " + self.schema):
            answer = first.run(statement)
            assert answer[0][0] == "ok", answer

    def client(self, name, schema):
        if name not in self.clients:
            self.clients[name] = ExactClient(self.player.endpoint, self.script.flags, database=schema)
        return self.clients[name]

    def step(self, text):
        how = re.match(r"([a-z])(>|&lock|&|<)\s*", text)
        name, sign = how.groups() if how else ("a", ">")
        text = text[how.end():] if how else text
        client = self.client(name, self.schema)
        text = re.sub(r"\{id:([a-z])\}", lambda found: str(self.client(found[1], self.schema).id),
                      text.replace("{db}", self.schema))
        try:
            if sign == "<":
                return client.answer(COMMAND.COM_QUERY)
            if sign != ">":
                client.query(text)
                runs = self.schema if self.schema in text and sign == "&" else text
                self.player.blocked(runs, sign == "&lock")
                return []
            if text[0] != "!":
                return client.run(text)
            command, _, rest = text[1:].partition(" ")
            return COMMANDS[command](client, rest)
        except (EOFError, OSError) as error:
            return [("closed", "" if isinstance(error, EOFError) or isinstance(error, ConnectionError) else repr(error))]

    def known(self, answer):
        """With what differs by nature made alike: the schema's name, and numbers that are each side's own."""
        if isinstance(answer, (list, tuple)):
            return type(answer)(self.known(part) for part in answer)
        if isinstance(answer, bytes):
            schema, known = self.schema.encode(), b"app_s000000"
            return answer.replace(schema, known).replace(schema.hex().upper().encode(), known.hex().upper().encode())
        if isinstance(answer, str):
            return OWN_NUMBERS.sub(r"\1#", answer.replace(self.schema, "app_s000000"))
        return answer

    def close(self):
        for client in self.clients.values():
            client.quit()


def apart(expected, got):
    """Of two answers, what is not the same in both: the place, and the two."""
    if type(expected) is type(got) and isinstance(expected, (list, tuple)) and len(expected) == len(got):
        return [("[%d]%s" % (i, where), one, other) for i in range(len(got)) if expected[i] != got[i]
                for where, one, other in apart(expected[i], got[i])]
    return [("", expected, got)]


def difference(script, expected, got):
    """The first step that was answered otherwise, for people; None when there is none."""
    for i, step in enumerate(script.steps):
        if expected[i] != got[i]:
            before = "".join("    %s\n" % line for line in script.steps[:i])
            return "%s:\n%s >> %s\n%s" % (script.title, before, step, "\n".join(
                "   answer%s: expected %r\n   %s got      %r" % (where, one, " " * len("answer" + where), other)
                for where, one, other in apart(expected[i], got[i])))
    return None
