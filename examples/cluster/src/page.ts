import { html } from "hono/html";
import { masterOf, type NodeState, type State } from "./state.ts";
import { nodeText } from "./words.ts";

type Html = ReturnType<typeof html>;

export interface View extends State {
  /** The instance that the page came from. */
  readonly from: string;
  /** Of the session's key; null for a visitor without a session, and where nobody knows. */
  readonly slot: number | null;
  /** Null while the Redis that has it does not answer. */
  readonly session: { readonly userId: string | null; readonly count: number } | null;
}

export function page(view: View): Html {
  const { session, slot, from, instances } = view;
  const isLast = instances.filter(({ isUp }) => isUp).length === 1;
  return frame(
    view,
    html`<div class="page-head">
      <h1>${session?.userId == null ? "You are a stranger" : html`Signed in as <span class="name">${session.userId}</span>`}</h1>
      <p class="lead">This page came from instance <strong>${from}</strong>. ${where(view)}</p>
    </div>
    ${notice(view)}
    <div class="cards">
      <section class="card" aria-labelledby="count">
        <h2 id="count">Your count</h2>
        ${count(view)}
        <form method="post" action="/count"><button class="button" type="submit">Count</button></form>
        <p class="hint">Kept in the session by <code>session.update</code>. Each click is answered by the next instance.</p>
        ${session?.userId == null ? signIn : signOut}
      </section>
      <section class="card" aria-labelledby="instances">
        <h2 id="instances">Instances</h2>
        ${instanceList(view)}
        <form method="post" action="/lose-instance">
          <button class="button button-danger" type="submit" name="name" value="${from}"${isLast ? " disabled" : ""}>Lose this instance</button>
        </form>
        <p class="hint">${isLast ? "This is the last one: bring the others back first." : `Kill -9 of ${from}. The balancer passes it over.`}</p>
      </section>
      <section class="card wide" aria-labelledby="nodes">
        <h2 id="nodes">Redis Cluster</h2>
        ${nodeList(view)}
        <div class="actions">
          <form method="post" action="/lose-node">
            <button class="button button-danger" type="submit" name="slot" value="${slot ?? ""}"${slot === null ? " disabled" : ""}>Lose this Redis node</button>
          </form>
          ${bringAllBack}
        </div>
        <p class="hint">
          ${slot === null ? "Count or sign in first: then one of them has your session." : "Kill -9 of the master that has your session. A replica takes its place within about two seconds."}
        </p>
      </section>
    </div>`,
  );
}

/** In place of the page, while the session can't be reached. */
export function waitingPage(view: View): Html {
  return frame(
    view,
    html`<div class="page-head">
      <h1>One moment</h1>
      <p class="lead">
        The Redis node that has your session does not answer. Nobody was signed out, and what was saved is still there; only a
        click of just now may not have counted. This page goes on by itself as soon as it can.
      </p>
    </div>
    <div class="cards">
      <section class="card" aria-labelledby="instances">
        <h2 id="instances">Instances</h2>
        ${instanceList(view)}
      </section>
      <section class="card" aria-labelledby="nodes">
        <h2 id="nodes">Redis Cluster</h2>
        ${nodeList(view)}
        <div class="actions">${bringAllBack}</div>
        <p class="hint">When a master and its replica are both lost, somebody has to bring one of them back.</p>
      </section>
    </div>`,
    true,
  );
}

/** What page.js puts into an open page in place of what is there. */
export function parts(view: View): Html {
  return html`${where(view)}${notice(view)}${count(view)}${instanceList(view)}${nodeList(view)}`;
}

function frame({ slot, from }: View, content: Html, isWaiting = false): Html {
  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${isWaiting ? "One moment" : "A session that lasts"} · Flagon</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/style.css">
  <script type="module" src="/page.js"></script>
</head>
<body data-slot="${slot ?? ""}" data-from="${from}"${isWaiting ? " data-waiting" : ""}>
<header class="site-header">
  <p class="brand">Flagon <span>on a Redis Cluster</span></p>
</header>
<main>${content}</main>
</body>
</html>`;
}

function where({ slot, nodes }: View): Html {
  const owner = slot === null ? null : masterOf(slot, nodes);
  const text =
    slot === null
      ? "You have no session yet: nothing was kept for you."
      : owner === null
        ? `Your session is in slot ${slot}, which has no master now.`
        : `Your session is in slot ${slot}, whose master is Redis ${owner.number}.`;
  return html`<span data-part="where">${text}</span>`;
}

/** Read out when it changes; empty as long as all is well. */
function notice({ session, slot, nodes }: View): Html {
  const owner = slot === null ? null : masterOf(slot, nodes);
  const text =
    session !== null
      ? ""
      : owner === null
        ? "The master of your session is lost, and a replica is about to take its place. Nobody is signed out."
        : `Redis ${owner.number} has your session now, and the app is about to find it there. Nobody is signed out.`;
  return html`<div role="status" data-part="notice">${text && html`<p class="notice">${text}</p>`}</div>`;
}

/** While the session can't be read, an open page keeps the count that it shows. */
function count({ session }: View): Html | string {
  if (session === null) return "";
  return html`<p class="count" data-part="count">${session.count}</p>`;
}

function instanceList({ instances, from }: View): Html {
  const items = instances.map(({ name, isUp }) => {
    const badge = name === from ? html` <span class="badge">this page</span>` : "";
    return item(`Instance ${name}`, isUp ? "answers" : "lost", !isUp, badge);
  });
  return html`<ul class="list" data-part="instances">${items}</ul>`;
}

function nodeList({ nodes, slot }: View): Html {
  const owner = slot === null ? null : masterOf(slot, nodes);
  const items = nodes.map((node) => {
    const badge = node === owner ? html` <span class="badge">your session</span>` : "";
    return item(`Redis ${node.number}`, describe(node), node.role === "lost", badge);
  });
  return html`<ul class="list" data-part="nodes">${items}</ul>`;
}

function describe(node: NodeState): string {
  return `${nodeText(node)}, port ${node.port}`;
}

function item(name: string, text: string, isLost: boolean, badge: Html | string): Html {
  return html`<li class="${isLost ? "lost" : "up"}"><p class="item-name">${name}${badge}</p><p class="hint">${text}</p></li>`;
}

const bringAllBack = html`<form method="post" action="/bring-all-back"><button class="button button-quiet" type="submit">Bring all back</button></form>`;

const signIn = html`<form class="sign-in" method="post" action="/sign-in">
          <label for="name">Name</label>
          <input id="name" name="name" required maxlength="40" autocomplete="username">
          <button class="button button-quiet" type="submit">Sign in</button>
        </form>`;

const signOut = html`<form method="post" action="/sign-out"><button class="button button-quiet" type="submit">Sign out</button></form>`;
