import { readFileSync } from "node:fs";
import { datetime, type FlaskConfig, fromFlaskConfig, type Tuple, tuple } from "flagon/flask";
import { type SessionEnv, session } from "flagon/hono";
import { Hono } from "hono";
import { page } from "./page.ts";

declare module "flagon/hono" {
  interface Register {
    session: {
      basket: string[];
      /** What was ordered, in which app, and when: a Python tuple. */
      last_order: Tuple<readonly [item: string, app: string, at: Date]>;
    };
  }
}

/** The TypeScript half: the routes under /ts that have moved already. It shares Flask's configuration, secret included. */
export function createApp(secretKey: string): Hono<SessionEnv> {
  const config = JSON.parse(readFileSync(new URL("../flask-config.json", import.meta.url), "utf8"));
  const style = readFileSync(new URL("../public/style.css", import.meta.url), "utf8");
  const options = fromFlaskConfig({ ...(config as Omit<FlaskConfig, "SECRET_KEY">), SECRET_KEY: secretKey });

  const app = new Hono<SessionEnv>().basePath("/ts");
  app.get("/style.css", (c) => c.body(style, 200, { "content-type": "text/css", "cache-control": "max-age=60" }));
  app.use(session(options));

  app.get("/", (c) => c.html(page(c.get("session"))));

  app.post("/login", async (c) => {
    const form = await c.req.formData();
    const name = String(form.get("name") ?? "")
      .trim()
      .slice(0, 40);
    const session = c.get("session");
    if (name === "") {
      session.flash("Write a name first.", "error");
    } else {
      session.login(name, { permanent: form.has("keep") });
      session.flash(`TypeScript signed ${name} in.`, "success");
    }
    return c.redirect("/ts", 303);
  });

  app.post("/logout", (c) => {
    const session = c.get("session");
    session.logout();
    session.flash("TypeScript signed you out, and the basket is empty.", "success");
    return c.redirect("/ts", 303);
  });

  app.post("/basket", async (c) => {
    const item = String((await c.req.formData()).get("item"));
    if (item === "tea" || item === "bread") {
      const session = c.get("session");
      session.update("basket", (basket = []) => [...basket, item].slice(-8));
      session.set("last_order", tuple(item, "TypeScript", datetime()));
    }
    return c.redirect("/ts", 303);
  });

  app.post("/message", async (c) => {
    c.get("session").flash("This was left on the TypeScript page.", "info");
    const isReadHere = (await c.req.formData()).get("read") === "here";
    return c.redirect(isReadHere ? "/ts" : "/", 303);
  });

  return app;
}
