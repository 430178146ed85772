const openedBy: unique symbol = Symbol("flagon.openedBy");

/**
 * Whether these sessions have opened the request already; marks it as opened by them if not. A door that is mounted twice,
 * on the app and on a router, must not commit twice.
 */
export function isAlreadyOpened(request: object, sessions: object): boolean {
  const marked: { [openedBy]?: object } = request;
  if (marked[openedBy] === sessions) return true;
  marked[openedBy] = sessions;
  return false;
}
