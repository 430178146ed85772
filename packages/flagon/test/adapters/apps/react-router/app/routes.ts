import { type RouteConfig, route } from "@react-router/dev/routes";

const routes: RouteConfig = [
  route("page", "./page.ts"),
  route("deferred", "./deferred.ts"),
  route("shared/:how/:act", "./shared.ts"),
  route("shared-page/:how/:act", "./shared-page.ts"),
  route("*", "./any.ts"),
];

export default routes;
