/** A setting that the app can't start with. The message is for the person who starts it; no stack is needed. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
