"""The labelled statements of statements.txt, each with the flavors it is for."""

import itertools
import pathlib
import re

FLAVORS = {"b": ("mysql-9.7", "mariadb-10.11", "mariadb-11.8"), "y": ("mysql-9.7",),
           "m": ("mariadb-10.11", "mariadb-11.8"), "n": ("mariadb-11.8",)}
CHOICE = re.compile(r"\{\{(.*?)\}\}")


def _expanded(statement):
    parts = CHOICE.split(statement)
    choices = [part.split(";;") if i % 2 else [part] for i, part in enumerate(parts)]
    for chosen in itertools.product(*choices):
        yield "".join(chosen)


def _unescaped(statement):
    return statement.replace("\\n", "\n").replace("\\t", "\t")


def statements():
    """Tuples of flavor, expected, context and statement."""
    text = (pathlib.Path(__file__).parent / "statements.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        flavors, expected, context, statement = line.split("\t")
        for one in _expanded(statement):
            for flavor in FLAVORS[flavors]:
                yield flavor, expected, context, _unescaped(one)


def escaped(statement):
    return statement.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
