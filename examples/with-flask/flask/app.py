"""The app as it was: Flask, with Flask-Login. Nothing in it knows of the TypeScript beside it."""

import json
from datetime import datetime, timezone
from pathlib import Path

from flask import Flask, flash, redirect, render_template, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_fresh, login_user, logout_user

app = Flask(__name__)
app.config.from_file(Path(__file__).parents[1] / "flask-config.json", load=json.load)
app.config.from_prefixed_env()  # FLASK_SECRET_KEY is SECRET_KEY

login_manager = LoginManager(app)


class User(UserMixin):
    def __init__(self, name):
        self.id = name


@login_manager.user_loader
def load_user(name):
    return User(name)


@app.get("/")
def index():
    return render_template("index.html", is_fresh=current_user.is_authenticated and login_fresh(), held=held())


@app.post("/login")
def login():
    name = request.form.get("name", "").strip()[:40]
    if not name:
        flash("Write a name first.", "error")
    else:
        login_user(User(name), remember="remember" in request.form)
        flash(f"Flask signed {name} in.", "success")
    return redirect(url_for("index"), 303)


@app.post("/logout")
def logout():
    logout_user()
    flash("Flask signed you out.", "success")
    return redirect(url_for("index"), 303)


@app.post("/basket")
def basket():
    item = request.form.get("item", "")
    if item in ("tea", "bread"):
        session["basket"] = [*session.get("basket", []), item][-8:]
        session["last_order"] = (item, "Flask", datetime.now(timezone.utc))
    return redirect(url_for("index"), 303)


@app.post("/message")
def message():
    flash("This was left on the Flask page.", "info")
    return redirect(url_for("index") if request.form.get("read") == "here" else "/ts", 303)


def held():
    """What is in the cookie, flashes aside: they are on the page already."""
    return {key: repr(session[key]) for key in sorted(session) if key != "_flashes"}
