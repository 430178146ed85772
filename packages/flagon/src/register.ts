/**
 * The types of your app's session, said once for every adapter:
 *
 * ```ts
 * declare module "flagon" {
 *   interface Register {
 *     session: { username: string };
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: made to be filled in by the app
export interface Register {}

/** The data type that was registered; without one, any key with an unknown value. */
export type RegisteredData = Register extends { session: infer Data extends object } ? Data : Record<string, unknown>;
