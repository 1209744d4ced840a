"""A page of notes: whoever visits it reads the latest ones and may add one.

Run by gunicorn. It knows one database: wye's Unix socket.
"""

import os
import pathlib

import flask
import pymysql

WYE = os.environ["NOTES_DATABASE"]
PASSWORD = pathlib.Path(os.environ["NOTES_PASSWORD_FILE"]).read_text().strip()
NAME = os.environ["NOTES_NAME"]

app = flask.Flask(__name__)


class NotDone(Exception):
    """There is no connection to the database, so nothing was done: another server may try."""


def database():
    """This request's connection; wye makes that cheap."""
    if "database" not in flask.g:
        try:
            flask.g.database = pymysql.connect(unix_socket=WYE, user="notes", password=PASSWORD, database="notes",
                                               autocommit=True)
        except pymysql.MySQLError as error:
            raise NotDone(str(error)) from error
    return flask.g.database


@app.teardown_appcontext
def close(_):
    if "database" in flask.g:
        flask.g.database.close()


def rows(statement, *values):
    with database().cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


@app.get("/")
def latest():
    notes = rows("SELECT id, written, text FROM notes ORDER BY id DESC LIMIT 20")
    return flask.render_template("notes.html", notes=notes, server=NAME)


@app.get("/notes/<int:number>")
def one(number):
    found = rows("SELECT id, written, text FROM notes WHERE id = %s", number)
    return flask.render_template("notes.html", notes=found, server=NAME) if found else flask.abort(404)


@app.post("/")
def add():
    text = flask.request.form.get("text", "").strip()[:1000] or flask.abort(400)
    with database().cursor() as cursor:
        cursor.execute("INSERT INTO notes (text) VALUES (%s)", [text])
        return flask.redirect("/notes/%d" % cursor.lastrowid, 303)


@app.get("/ready")
def ready():
    """For the balancers. A read, which needs wye and some server: without a primary the site can still be read."""
    rows("SELECT id FROM notes LIMIT 1")
    return "ready\n"


@app.errorhandler(NotDone)
def not_done(error):
    app.logger.error("no database: %s", error)
    return "The database cannot be reached.\n", 503


@app.errorhandler(pymysql.MySQLError)
def unknown(error):
    app.logger.error("%s", error)
    return "The database did not answer as it should; whether a note was stored is not known.\n", 500
