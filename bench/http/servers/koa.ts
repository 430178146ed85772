import { createServer } from "node:http";
import { session } from "flagon/koa";
import Koa from "koa";
import koaSession from "koa-session";
import { type Bag, data, greet, hello, type Start, secret } from "./common.ts";

export const koa: Record<string, Start> = {
  bare: () => {
    const app = new Koa();
    app.use((_ctx, next) => next());
    app.use((ctx) => {
      ctx.body = hello;
    });
    return createServer(app.callback());
  },
  flagon: () => {
    const app = new Koa();
    app.use(session({ secret }));
    app.use((ctx) => {
      if (ctx.path === "/fill") for (const key in data) ctx.session.set(key, data[key]);
      if (ctx.path === "/write") ctx.session.update("visits", (visits) => Number(visits ?? 0) + 1);
      ctx.body = ctx.path === "/untouched" ? hello : greet(ctx.session.get("name"));
    });
    return createServer(app.callback());
  },
  "koa-session (signed only)": () => {
    const app = new Koa();
    app.keys = [secret];
    app.use(koaSession({}, app));
    app.use((ctx) => {
      if (ctx.path === "/untouched") {
        ctx.body = hello;
        return;
      }
      const bag = (ctx as unknown as { session: Bag }).session;
      if (ctx.path === "/fill") Object.assign(bag, data);
      if (ctx.path === "/write") bag.visits = (bag.visits ?? 0) + 1;
      ctx.body = greet(bag.name);
    });
    return createServer(app.callback());
  },
};
