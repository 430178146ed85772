/** What stands in the place of options that other session libraries have. */
const elsewhere: Readonly<Record<string, string>> = {
  cookieName: "cookie: { name }",
  httpOnly: "nothing: it always is",
  keys: "secret",
  maxAge: "lifetime and permanentLifetime",
  password: "secret",
  ttl: "lifetime",
};

/**
 * Throws a `TypeError` for a name that is no option, which plain JavaScript would pass over. `known` has the names with a space
 * between two; `of` says whose they are.
 */
export function checkNames(given: object, known: string, of: string): void {
  const names = known.split(" ");
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const hint = Object.hasOwn(elsewhere, name)
      ? `in its place is ${elsewhere[name]}`
      : `there are ${names.join(", ")}`;
    throw new TypeError(`${of} has no option ${JSON.stringify(name)}; ${hint}`);
  }
}
