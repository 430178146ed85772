const lifetime = "use session.permanent, or createSessions({ lifetime })";
const flash = "use session.flash(message, category)";
const login = "use session.login(userId)";
const byItself = "nothing has to be called for that";

/** What to use in the place of members that other libraries' sessions have, or that they let anyone assign. */
const instead: Readonly<Record<string, string>> = {
  cookie: lifetime,
  maxAge: lifetime,
  flash,
  messages: flash,
  passport: login,
  user: login,
  userId: login,
  regenerate: `${login} or session.rotate()`,
  reload: byItself,
  save: "await session.save()",
  touch: byItself,
};

/** Methods of express-session's that this session has not got: each takes a callback, or is called for what it does. */
const missing = ["regenerate", "reload", "touch"];

/** Methods that take a callback elsewhere. Here they are through when they return, or return a promise. */
const takesNoCallback = ["clear", "destroy", "login", "logout", "rotate", "save"];

const refuse = (text: string): never => {
  throw new TypeError(text);
};

const adviceOn = (name: PropertyKey): string =>
  Object.hasOwn(instead, name) ? (instead[name as string] as string) : `use session.set("${String(name)}", …)`;

/**
 * Lets nobody write on what the sessions of all visitors share: the class, its prototype, each method and getter. A plug-in
 * that keeps its things on a session (connect-flash, Passport's OAuth 2 state) would else give one visitor's to another, or
 * lose them. To assign anything but the setters of the class throws, in sloppy code too, and names what to use.
 *
 * What is unknown to a session is looked for along its prototypes: at their end stands a Proxy, which thus costs nothing
 * where a member is found. Methods are accessors, since an assignment that a frozen property refuses is no error in sloppy
 * code. The constructor has to see to it that nothing is defined on the session itself: `Object.preventExtensions(this)`.
 */
export function protectMembers(shared: { readonly prototype: object }): void {
  const { prototype } = shared;
  for (const [name, { value, get, set }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === "constructor") continue;
    const method = value && freeze(takesNoCallback.includes(name) ? withoutCallback(name, value) : value);
    Object.defineProperty(prototype, name, {
      get: freeze(get ?? (() => method)),
      set: freeze(set ?? (() => refuse(`session.${name} can't be assigned: ${adviceOn(name)}`))),
    });
  }
  Object.setPrototypeOf(Object.freeze(freeze(shared)).prototype, new Proxy(Object.freeze({}), traps));
  Object.freeze(prototype);
}

const traps: ProxyHandler<object> = {
  set: (_target, name) => refuse(`session.${String(name)} would be lost: ${adviceOn(name)}`),
  get(target, name, receiver) {
    if (name === "cookie") refuse(`there is no session.cookie: ${adviceOn(name)}`);
    if (!missing.includes(name as string)) return Reflect.get(target, name, receiver);
    return () => refuse(`there is no session.${String(name)}(): ${adviceOn(name)}`);
  },
};

/** What is put on a function goes to its prototype's setter first, which throws where a frozen object would say nothing. */
const functions: object = new Proxy(Object.freeze(Object.create(Function.prototype)), { set: traps.set as never });

function freeze<Shared extends object>(shared: Shared): Shared {
  return Object.freeze(Object.setPrototypeOf(shared, functions));
}

/** A shorthand method, since a `function` would have a prototype of its own, for anyone to write on. */
function withoutCallback(name: string, method: (...args: unknown[]) => unknown): typeof method {
  return {
    method(this: unknown, ...args: unknown[]): unknown {
      if (typeof args.at(-1) !== "function") return method.apply(this, args);
      return refuse(`session.${name} takes no callback: await it, and go on`);
    },
  }.method;
}
