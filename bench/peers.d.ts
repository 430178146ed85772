// The peers' own types would give Express's request a second `session`; the bench needs no more than this of them.
declare module "express-session" {
  const session: (options: object) => import("express").RequestHandler;
  export default session;
}
declare module "cookie-session" {
  const session: (options: object) => import("express").RequestHandler;
  export default session;
}
declare module "koa-session" {
  const session: (options: object, app: import("koa").default) => import("koa").Middleware;
  export default session;
}
