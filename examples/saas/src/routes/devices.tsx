import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { AppContext, AppEnv } from "../context.ts";
import { readForm } from "../lib/form.ts";
import { type Device, DeviceList, DevicesPage, deviceName } from "../views/devices-page.tsx";
import { MessagePage } from "../views/message-page.tsx";
import { page } from "../views/page.tsx";
import { isFresh, requireFresh, requireUser } from "./guards.ts";

export const devices = new Hono<AppEnv>();

devices.use("/devices/*", requireUser("/devices"));
// Ending other sessions is for the person, not for whoever finds this device open (OWASP ASVS 5, 7.5.2).
for (const path of ["/devices/sign-out", "/devices/sign-out-others"]) devices.use(path, requireFresh("/devices"));

devices.get("/devices", async (c) => {
  const { backend, now } = c.get("services");
  const list = backend.lists ? await devicesOf(c) : null;
  return page(c, { title: "Devices" }, <DevicesPage devices={list} now={now()} asksFirst={!isFresh(c)} />);
});

devices.post("/devices/sign-out", async (c) => {
  const id = (await readForm(c))("id");
  const { backend } = c.get("services");
  const session = c.get("session");
  if (!backend.lists) return noList(c);
  // Only what is in the user's own list: an id is no secret, and must not sign out somebody else.
  const device = (await devicesOf(c)).find((one) => one.id === id);
  if (device?.isCurrent) {
    session.flash("That is this device. Sign it out above.", "warning");
  } else if (device === undefined) {
    session.flash("That device is signed out already.", "info");
  } else {
    await backend.sessions.revoke(device.id);
    session.flash(`${deviceName(device)} is signed out.`, "success");
  }
  return c.redirect("/devices", 303);
});

devices.post("/devices/sign-out-others", async (c) => {
  const session = c.get("session");
  if (session.userId !== null) {
    await c.get("services").backend.sessions.revokeUser(session.userId, { except: session.id });
    session.flash("All other devices are signed out.", "success");
  }
  return c.redirect("/devices", 303);
});

/** For whoever sends the form that the page does not have there. */
function noList(c: AppContext) {
  const title = "One device can’t be picked out here";
  return page(
    c,
    { title, status: 404 },
    <MessagePage title={title} action={{ href: "/devices", label: "Back to devices" }}>
      Sessions are sealed in cookies, which only the browsers have, so nothing was changed. All other devices can be
      signed out together.
    </MessagePage>,
  );
}

/** How often an open page asks the store. An app with many people at once would let its own events say when to ask. */
const lookEveryMs = 2_000;

/**
 * Tells an open page how the list of devices looks now, and when its own session was ended. It asks the store rather than
 * the session, so that a page left open does not count as a visit, and runs into its idle end like any other.
 */
devices.get("/live", (c) => {
  const { id, userId } = c.get("session");
  const { backend, now } = c.get("services");
  // Any other status would have the browser ask again and again.
  if (userId === null || !backend.lists) return c.body(null, 204);
  return streamSSE(c, async (stream) => {
    for (let shown = ""; !stream.aborted; await stream.sleep(lookEveryMs)) {
      const list = await backend.sessions.list(userId, { current: id }).catch(() => null);
      // The store did not answer; it may the next time.
      if (list === null) continue;
      if (!list.some((one) => one.isCurrent)) {
        await stream.writeSSE({ event: "ended", data: "" });
        return;
      }
      const html = String(<DeviceList devices={thisOneFirst(list)} now={now()} />);
      if (html !== shown) await stream.writeSSE({ event: "devices", data: html });
      shown = html;
    }
  });
});

async function devicesOf(c: AppContext): Promise<Device[]> {
  const { userId, id } = c.get("session");
  if (userId === null) return [];
  return thisOneFirst(await c.get("services").backend.sessions.list(userId, { current: id }));
}

/** The others stay as the list has them: last seen first. */
function thisOneFirst(list: readonly Device[]): Device[] {
  return list.toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
}
