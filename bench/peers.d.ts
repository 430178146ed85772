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
declare module "connect-redis" {
  export class RedisStore {
    constructor(options: { client: object });
  }
}
declare module "connect-pg-simple" {
  const connect: (session: object) => new (options: {
    pool: object;
    createTableIfMissing: boolean;
    pruneSessionInterval: false;
  }) => {
    close(): Promise<void>;
  };
  export default connect;
}
