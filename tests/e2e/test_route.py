"""`wye route` over the labelled statements of tests/corpus/statements.tsv.

The last column of the file tells how each label is known. A statement expected on the primary, pinned or to change the
session must never be answered `replica`; of those that may run on a replica at least 98 % must be.
"""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "classify"))

from labelled import escaped, statements  # noqa: E402

WYE = os.environ.get("WYE_BIN", str(ROOT / "build" / "wye"))
CORPUS = ROOT / "tests" / "corpus" / "statements.tsv"
ROUTES = {"replica", "primary", "session", "pin", "local", "deny"}

def route(*arguments, lines=""):
    return subprocess.run([WYE, "route", *arguments], input=lines.encode("latin-1"), capture_output=True, timeout=120)


def corpus():
    rows = []
    for line in CORPUS.read_bytes().decode("latin-1").split("\n"):
        if line and not line.startswith("#"):
            rows.append(line.split("\t"))
    return rows


@pytest.fixture(scope="module")
def answers():
    rows = corpus()
    done = route("--tsv", lines="".join("\t".join(row[:4]) + "\n" for row in rows))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode("latin-1").split("\n")[:-1]
    assert len(lines) == len(rows)
    return [(row, line.split("\t")) for row, line in zip(rows, lines)]


def test_every_statement_has_a_route_a_reason_and_a_digest(answers):
    for row, answer in answers:
        assert len(answer) == 3, (row, answer)
        assert answer[0] in ROUTES and answer[0] != "deny", (row, answer)
        assert answer[1], (row, answer)


def test_nothing_that_belongs_on_the_primary_or_a_connection_goes_to_a_replica(answers):
    wrong = [(row[:5], answer) for row, answer in answers
             if row[4] in ("primary", "pin", "session") and answer[0] == "replica"]
    assert wrong == []


@pytest.mark.parametrize("flavor", ["mysql-9.7", "mariadb-10.11", "mariadb-11.8"])
def test_what_may_run_on_a_replica_does(answers, flavor):
    routes = [answer[0] for row, answer in answers if row[4] == "replica" and row[0] == flavor]
    assert len(routes) > 50
    assert routes.count("replica") >= 0.98 * len(routes)


def test_session_changes_are_told_apart_from_writes(answers):
    wrong = [(row[:5], answer) for row, answer in answers if row[4] == "session" and answer[0] != "session"]
    assert wrong == []


def test_every_statement_of_the_larger_collection_goes_where_it_belongs():
    rows = list(statements())
    assert len(rows) > 2500
    lines = "".join("%s\t\t%s\t%s\n" % (flavor, context, escaped(text)) for flavor, _, context, text in rows)
    answers = [line.split("\t") for line in route("--tsv", lines=lines).stdout.decode("latin-1").split("\n")[:-1]]
    assert len(answers) == len(rows)
    # What wye answers itself needs no connection; the primary's are never lent in the middle of a statement.
    also = {"pin": {"local", "primary"}, "replica": {"local"}, "either": ROUTES - {"deny"}}
    wrong = [(row, answer[:2]) for row, answer in zip(rows, answers)
             if answer[0] != row[1] and answer[0] not in also.get(row[1], ())]
    assert wrong == []


def test_statements_can_be_arguments():
    done = route("--flavor", "mariadb-10.11", "--context", "trx", "SELECT 1", "UPDATE t SET a = 'x\ty'")
    assert done.returncode == 0
    assert done.stdout == b"primary\tin-transaction\tSELECT ?\nprimary\twrite\tUPDATE t SET a = ?\n"


def test_what_is_called_a_view_may_write_where_no_server_tells():
    named = ["SELECT * FROM v_orders", "SELECT id FROM shop.orders_view JOIN t", "TABLE VW_Orders"]
    others = ["SELECT v_orders, a.view_count FROM views a", "SELECT 1 FROM v", "SELECT 1 FROM overview"]
    lines = route(*named, *others).stdout.decode().splitlines()
    assert [line.split("\t")[:2] for line in lines] == [["primary", "unknown-view"]] * 3 + [["replica", "read"]] * 3


def test_the_same_text_means_different_things_to_the_flavors():
    text = "SELECT 1 FROM t /*!80000 FOR UPDATE */"
    assert route("--flavor=mysql-9.7", text).stdout.startswith(b"primary\tlocking-read\t")
    assert route("--flavor=mariadb", text).stdout.startswith(b"replica\tread\t")


def test_a_statement_of_sixteen_mebibytes_is_answered():
    done = route(lines="INSERT INTO t VALUES ('" + "x" * (16 << 20) + "')\n")
    assert done.returncode == 0
    assert done.stdout == b"primary\twrite\tINSERT INTO t VALUES (...)\n"


def test_random_bytes_are_answered_a_line_each():
    import random
    source = random.Random(7)
    lines = ["".join(chr(source.choice([c for c in range(256) if c != 10])) for _ in range(source.randrange(200)))
             for _ in range(500)]
    done = route(lines="".join(line + "\n" for line in lines))
    assert done.returncode == 0
    answered = done.stdout.split(b"\n")[:-1]
    assert len(answered) == len(lines)
    assert all(line.split(b"\t")[0].decode() in ROUTES for line in answered)


@pytest.mark.parametrize("arguments", [["--flavor", "oracle", "SELECT 1"], ["--flavour", "mysql"], ["--context", "x"],
                                       ["--sql-mode"], ["--tsv", "SELECT 1"]])
def test_a_wrong_option_is_one_line_and_status_2(arguments):
    done = route(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1


def test_a_line_with_too_few_columns_is_one_line_and_status_2():
    done = route("--tsv", lines="mysql\t\tSELECT 1\n")
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
