import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { provide } from "./provide.ts";
import { dataFolder, freePort, type Server, startServer } from "./server.ts";

export interface NginxOptions {
  readonly cert: string;
  readonly key: string;
  /** What stands in `location /`, as in "proxy_pass http://localhost:3000;". Everything else is as nginx has it by itself. */
  readonly location: string;
}

/** An nginx that takes https on 127.0.0.1. */
export async function startNginx({ cert, key, location }: NginxOptions): Promise<Server> {
  const place = await provide("nginx");
  const command = place.kind === "environment" ? place.value : place.kind === "program" ? place.path : "nginx";
  const port = await freePort();
  const folder = dataFolder("nginx");
  writeFileSync(join(folder, "cert.pem"), cert);
  writeFileSync(join(folder, "key.pem"), key);
  // Where it may write: its own folders are for the one that a machine runs as a service.
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr notice;
    events {}
    http {
      access_log off; ${places.join(" ")}
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${folder}/cert.pem;
        ssl_certificate_key ${folder}/key.pem;
        location / { ${location} }
      }
    }`,
  );
  const args = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"];
  return await startServer(
    { command, args, stopSignals: ["SIGQUIT", "SIGTERM"], ready: /getrlimit/ },
    { url: `https://127.0.0.1:${port}`, port, folder },
  );
}
