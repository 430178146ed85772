"""Session cookies as Flask writes them, for the runtimes that have no Flask beside them. Prints flask-cookies.json."""
import json
import uuid
from datetime import datetime, timezone
from unittest import mock

from flask import Flask
from markupsafe import Markup

SECRET = "dev-4c1b0a7e9f3d2568-not-for-production"
NOW = 1772368200

CASES = {
    "a visitor with a name": {"username": "ada"},
    "a person, signed in": {"_user_id": "42", "_fresh": True, "_permanent": True, "theme": "dark"},
    "flashes": {"_flashes": [("success", "Login successful!"), ("message", "ü")]},
    "long enough to be compressed": {"cart": ["tea"] * 200},
    "Flask's own kinds of values": {
        "bytes": b"\x00\xff",
        "markup": Markup("<b>x</b>"),
        "pair": ("a", 1),
        "uuid": uuid.UUID(int=7),
        "when": datetime(2026, 3, 1, 12, 30, tzinfo=timezone.utc),
        "big": 2**70,
    },
}

app = Flask(__name__)
app.secret_key = SECRET
serializer = app.session_interface.get_signing_serializer(app)
with mock.patch("itsdangerous.timed.time.time", return_value=NOW):
    cookies = {title: serializer.dumps(session) for title, session in CASES.items()}
print(json.dumps({"secretKey": SECRET, "signedAt": NOW, "cookies": cookies}, indent=1, ensure_ascii=False))
