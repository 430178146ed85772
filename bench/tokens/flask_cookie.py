"""Flask's own session cookie under Python, in the shape that tokens.ts prints. Data comes as JSON on standard input."""
import json
import sys
import time

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

app = Flask(__name__)
app.secret_key = "k3v9Zq1xW7bN5tR8mL2pD6sF4gH0jCyA"
serializer = SecureCookieSessionInterface().get_signing_serializer(app)
rounds, results = 15, {}

for size, data in json.load(sys.stdin).items():
    token = serializer.dumps(data)

    def open_():
        return serializer.loads(token, max_age=86400)["name"]

    def change():
        session = serializer.loads(token, max_age=86400)
        session["visits"] += 1
        return serializer.dumps(session)

    measured = {"open": [], "change": []}
    for _ in range(rounds):
        for name, act in (("open", open_), ("change", change)):
            start = time.process_time()
            for _ in range(200):
                act()
            measured[name].append((time.process_time() - start) * 1e6 / 200)
    results[size] = [{"name": "Flask itself, under Python (signed only)", "length": len(token), **measured}]

print(json.dumps(results))
