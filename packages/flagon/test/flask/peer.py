"""Flask itself, for the tests: reads one JSON request a line on standard input and answers with one line.

Nothing of Flask, itsdangerous or Flask-Login is imitated here: cookies are made and read by Flask's own session
interface, requests go through a Flask app with Flask-Login. Only the clock is set from outside.
"""

import json
import struct
import sys
from base64 import b64decode, b64encode
from datetime import datetime, timedelta, timezone
from uuid import UUID

import flask
import flask_login
import itsdangerous
from flask.sessions import SecureCookieSessionInterface
from flask_login.utils import encode_cookie
from itsdangerous import URLSafeTimedSerializer
from itsdangerous.timed import TimestampSigner
from markupsafe import Markup
from werkzeug.datastructures import Headers
from werkzeug.test import create_environ

clock = {"now": 1_700_000_000}
TimestampSigner.get_timestamp = lambda self: int(clock["now"])


class Interface(SecureCookieSessionInterface):
    """Flask's own, with `SECRET_KEY_FALLBACKS` as Flask 3.1 has them, which Debian's Flask is too old to know."""

    def get_signing_serializer(self, app):
        import hashlib

        self.digest_method = getattr(hashlib, app.config.get("DIGEST", "sha1"))
        if app.config.get("SALT"):
            self.salt = app.config["SALT"]
        serializer = super().get_signing_serializer(app)
        if app.config.get("SECRET_KEY_FALLBACKS"):
            keys = [*app.config["SECRET_KEY_FALLBACKS"], app.secret_key]
            serializer.secret_keys = [k.encode() if isinstance(k, str) else k for k in keys]
        return serializer


class User(flask_login.UserMixin):
    def __init__(self, id):
        self.id = id


def make_app(config):
    app = flask.Flask(__name__)
    app.session_interface = Interface()
    for name, value in config.items():
        app.config[name] = bytes.fromhex(value["bytes"]) if isinstance(value, dict) else value
    if "PERMANENT_SESSION_LIFETIME" in config:
        app.permanent_session_lifetime = timedelta(seconds=config["PERMANENT_SESSION_LIFETIME"])
    manager = flask_login.LoginManager(app)
    manager.user_loader(User)
    add_routes(app)
    return app


def add_routes(app):
    session = flask.session

    def answer(**more):
        user = flask_login.current_user
        return {
            "user": user.get_id() if user.is_authenticated else None,
            "fresh": flask_login.login_fresh(),
            "permanent": session.permanent,
            **more,
        }

    @app.post("/login")
    def login():
        asked = flask.request.get_json()
        session.permanent = asked.get("permanent", False)
        flask_login.login_user(User(asked["user"]), remember=asked.get("remember", False))
        return answer()

    @app.post("/logout")
    def logout():
        flask_login.logout_user()
        return answer()

    @app.post("/set")
    def set():
        for key, value in flask.request.get_json().items():
            session[key] = from_description(value)
        return answer()

    @app.post("/flash")
    def flash():
        asked = flask.request.get_json()
        flask.flash(from_description(asked["message"]), asked.get("category", "message"))
        return answer()

    @app.get("/flashes")
    def flashes():
        return answer(flashes=[[c, str(m)] for c, m in flask.get_flashed_messages(with_categories=True)])

    @app.post("/clear")
    def clear():
        session.clear()
        return answer()

    @app.get("/session")
    def show():
        user = answer()
        return {**user, "session": describe(dict(session))}

    @app.get("/identifier")
    def identifier():
        return {"identifier": app.login_manager._session_identifier_generator()}


def describe(value):
    """A Python value with its exact type, as JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": struct.pack(">d", value).hex() if value == value else "nan"}
    if isinstance(value, Markup):
        return {"markup": str(value)}
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return {"bytes": b64encode(value).decode()}
    if isinstance(value, UUID):
        return {"uuid": str(value)}
    if isinstance(value, datetime):
        return {"datetime": int((value - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds())}
    if isinstance(value, tuple):
        return {"tuple": [describe(item) for item in value]}
    if isinstance(value, list):
        return [describe(item) for item in value]
    return {"dict": [[key, describe(value[key])] for key in sorted(value)]}


def from_description(value):
    if isinstance(value, list):
        return [from_description(item) for item in value]
    if not isinstance(value, dict):
        return value
    [(kind, inner)] = value.items()
    makers = {
        "int": int,
        "float": lambda text: float("nan") if text == "nan" else struct.unpack(">d", bytes.fromhex(text))[0],
        "markup": Markup,
        "bytes": b64decode,
        "uuid": UUID,
        "datetime": lambda seconds: datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds),
        "tuple": lambda items: tuple(from_description(item) for item in items),
        "dict": lambda items: {key: from_description(item) for key, item in items},
    }
    return makers[kind](inner)


def dump(app, asked):
    with app.app_context():
        serializer = app.session_interface.get_signing_serializer(app)
        return {"cookie": serializer.dumps(from_description(asked["value"]))}


def load(app, asked):
    """What Flask's `open_session` makes of a cookie: a session, or the error that it answers with 500."""
    header = asked.get("header", "session=" + asked.get("cookie", ""))
    with app.app_context():
        request = app.request_class(create_environ(headers={"Cookie": header}))
        try:
            session = app.session_interface.open_session(app, request)
        except Exception as error:
            return {"error": type(error).__name__}
        return {"value": describe(dict(session))}


def sign_text(app, asked):
    """A cookie whose payload is any text or bytes at all."""
    with app.app_context():
        serializer = app.session_interface.get_signing_serializer(app)
        return {"cookie": serializer.make_signer(serializer.salt).sign(b64decode(asked["payload"])).decode("latin1")}


def request(app, asked):
    headers = Headers(asked.get("headers", []))
    environ = {"REMOTE_ADDR": asked["address"]} if "address" in asked else {}
    client = app.test_client(use_cookies=False)
    response = client.open(
        asked["path"],
        method=asked.get("method", "GET"),
        json=asked.get("json"),
        headers=headers,
        environ_overrides=environ,
    )
    body = response.get_json() if response.is_json else {"text": response.get_data(as_text=True)}
    return {"status": response.status_code, "cookies": response.headers.getlist("Set-Cookie"), "body": body}


def json_loads(app, asked):
    try:
        return {"value": describe(json.loads(asked["text"]))}
    except (ValueError, RecursionError):
        return {"error": "unreadable"}


def json_dumps(app, asked):
    return {"text": json.dumps(from_description(asked["value"]), sort_keys=True, separators=(",", ":"))}


def remember_token(app, asked):
    from werkzeug.http import dump_cookie

    with app.app_context():
        token = encode_cookie(asked["user"])
        return {"token": token, "cookie": dump_cookie("remember_token", token).split(";")[0]}


def versions(app, asked):
    from importlib.metadata import version

    return {name: version(name) for name in ("flask", "itsdangerous", "flask-login", "werkzeug")}


operations = {f.__name__: f for f in (dump, load, sign_text, request, json_loads, json_dumps, remember_token, versions)}
apps = {}


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        clock["now"] = asked.get("now", clock["now"])
        key = json.dumps(asked["config"])
        if key not in apps:
            apps[key] = make_app(asked["config"])
        try:
            answer = operations[asked["operation"]](apps[key], asked)
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
