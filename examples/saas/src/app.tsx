import { session } from "flagon/hono";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { AppEnv, Services } from "./context.ts";
import { assets } from "./lib/assets.ts";
import { devices } from "./routes/devices.tsx";
import { notFound, showError } from "./routes/errors.tsx";
import { findUser } from "./routes/guards.ts";
import { home } from "./routes/home.tsx";
import { sessionRoutes } from "./routes/session.tsx";
import { settings } from "./routes/settings.tsx";
import { signIn } from "./routes/sign-in.tsx";
import { signUp } from "./routes/sign-up.tsx";

export function createApp(services: Services): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError(showError);
  app.notFound(notFound);
  app.use(headers);
  app.route("/", assets);
  app.use(session(services.backend.sessions));
  app.use(async (c, next) => {
    c.set("services", services);
    await next();
  });
  app.use(findUser);
  for (const routes of [home, signUp, signIn, sessionRoutes, devices, settings]) app.route("/", routes);
  return app;
}

/** Nothing inline: each script and style is a file of this site, so an injected one does not run. */
const headers = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  // "no-referrer" would turn the Origin of the app's own forms into null.
  referrerPolicy: "same-origin",
  // For this host alone: whether its neighbours speak https is not for this app to say.
  strictTransportSecurity: "max-age=31536000",
  permissionsPolicy: { camera: [], microphone: [], geolocation: [] },
  xFrameOptions: "DENY",
});
