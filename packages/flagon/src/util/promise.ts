/** By shape, since a promise made elsewhere (another realm, a wrapped `Sessions`) is one too. */
export function isPromise<T extends object>(value: T | Promise<T>): value is Promise<T> {
  return "then" in value;
}
