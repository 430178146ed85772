import { inspect } from "node:util";
import type { RegisteredData, Session } from "flagon";
import { html } from "hono/html";

type Html = ReturnType<typeof html>;

/** The page, in the same words and look as Flask's `templates/index.html`. */
export function page(session: Session<RegisteredData>): Html {
  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>TypeScript — one login, two apps</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/ts/style.css">
</head>
<body>
<header>
  <p class="brand">One login, two apps</p>
  <nav aria-label="Apps">
    <a href="/">Flask</a>
    <a href="/ts" aria-current="page">TypeScript</a>
  </nav>
</header>
<main>
  ${session.flashes().map(({ category, message }) => html`<p class="flash ${category}" role="status">${message}</p>`)}
  <h1>This page is <em>TypeScript</em></h1>
  <p class="lead">Flagon reads and writes the session here. <a href="/">The other page</a> is Flask, on the same cookie.</p>
  <div class="cards">
    <section>
      <h2>Who you are</h2>
      ${session.userId === null ? signIn : signedIn(session, session.userId)}
    </section>
    <section>
      <h2>Your basket</h2>
      ${basket(session)}
    </section>
    <section>
      <h2>A message</h2>
      <p>Flashed here, read on the next page, whichever that is.</p>
      <form method="post" action="/ts/message">
        <button type="submit" name="read" value="there">Read it on Flask</button>
        <button type="submit" name="read" value="here">Read it here</button>
      </form>
    </section>
    <section class="wide">
      <h2>What the session holds, as TypeScript has it</h2>
      ${held(session)}
      <p class="soft">Flask's cookie is signed, not encrypted: anybody who has it can read all of this.</p>
    </section>
  </div>
</main>
</body>
</html>`;
}

const signIn = html`<p>Nobody is signed in.</p>
      <form method="post" action="/ts/login">
        <label>Name <input name="name" required maxlength="40" autocomplete="username"></label>
        <label class="check"><input type="checkbox" name="keep"> Keep me signed in</label>
        <button type="submit">Sign in on TypeScript</button>
      </form>`;

function signedIn(session: Session<RegisteredData>, userId: string): Html {
  const how = session.isFresh("1h") ? "fresh" : "remembered";
  return html`<p>Signed in as <strong>${userId}</strong>, ${how}.</p>
      <form method="post" action="/ts/logout"><button type="submit">Sign out on TypeScript</button></form>`;
}

function basket(session: Session<RegisteredData>): Html {
  const [item, app, at] = session.get("last_order") ?? [];
  return html`<p class="basket">${session.get("basket")?.join(", ") || "Empty."}</p>
      ${at === undefined ? "" : html`<p class="soft">Last: ${item}, put in on ${app} at ${at.toISOString().slice(11, 19)} UTC.</p>`}
      <form method="post" action="/ts/basket">
        <button type="submit" name="item" value="tea">Add tea</button>
        <button type="submit" name="item" value="bread">Add bread</button>
      </form>`;
}

function held(session: Session<RegisteredData>): Html {
  const rows: [string, unknown][] = [
    ["userId", session.userId],
    ["permanent", session.permanent],
    ...session.entries(),
  ];
  return html`<dl>${rows.map(([key, value]) => html`<div><dt>${key}</dt><dd>${inspect(value)}</dd></div>`)}</dl>`;
}
