import { type Browser, type BrowserContext, chromium, type LaunchOptions } from "playwright-core";
import { provide } from "./provide.ts";
import { dataFolder } from "./server.ts";

/** How Chromium is started here: headless, with nothing of its own to say to the network. */
export async function chromiumOptions(): Promise<LaunchOptions> {
  const place = await provide("chromium");
  return {
    executablePath: place.kind === "environment" ? place.value : place.kind === "program" ? place.path : "chromium",
    // Chromium's sandbox does not start as root.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  };
}

/** A browser whose contexts each have cookies of their own. It ends with the test's process. */
export async function startChromium(): Promise<Browser> {
  return await chromium.launch(await chromiumOptions());
}

/**
 * A browser with a profile on disk, as a person has it: close it, open it again with the same folder, and what is kept
 * across a restart is there. Make the folder with `profileFolder()`.
 */
export async function openProfile(
  folder: string,
  { ignoreHTTPSErrors = false, extension }: ProfileOptions = {},
): Promise<BrowserContext> {
  const options = { ...(await chromiumOptions()), ignoreHTTPSErrors };
  if (extension === undefined) return await chromium.launchPersistentContext(folder, options);
  return await chromium.launchPersistentContext(folder, {
    ...options,
    args: [...(options.args ?? []), `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
    ignoreDefaultArgs: ["--disable-extensions"],
  });
}

export interface ProfileOptions {
  readonly ignoreHTTPSErrors?: boolean;
  /** The folder of an unpacked extension. */
  readonly extension?: string;
}

export function profileFolder(): string {
  return dataFolder("chromium");
}
