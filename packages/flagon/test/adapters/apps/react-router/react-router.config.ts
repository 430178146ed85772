import type { Config } from "@react-router/dev/config";

const config: Config = { ssr: true, buildDirectory: "../.built/react-router" };

export default config;
