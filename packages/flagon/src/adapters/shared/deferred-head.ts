// Only adapters on Node's own server import this file, so that Workers never load it.
import { AsyncLocalStorage } from "node:async_hooks";
import {
  type HeaderLine,
  type HeaderValue,
  isSetCookie,
  type ResponseHead,
  representationHeaders,
} from "../../http/headers.ts";
import { isPromise } from "../../util/promise.ts";
import { givenHeaders, givenUnder } from "./write-head.ts";

/** Says what goes into the head, and throws or rejects where the session could not be saved. */
export type Commit = (head: ResponseHead) => HeaderLine[] | Promise<HeaderLine[]>;

/** Hands a held head's commit over, once; null after the first call that would have sent the head, or another take. */
export type TakeCommit = () => Commit | null;

/** What `http.ServerResponse` and `http2.Http2ServerResponse` have in common. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  getHeader(name: string): HeaderValue | undefined;
  setHeader(name: string, value: HeaderValue): unknown;
  removeHeader(name: string): void;
  writeHead(...args: unknown[]): unknown;
  write(...args: unknown[]): boolean;
  end(...args: unknown[]): unknown;
  flushHeaders?(): void;
  emit(event: string): boolean;
  destroy(error?: Error): unknown;
}

type Method = (...args: unknown[]) => unknown;

/** While an error page is being made, the response that it answers on: see `dead` below. */
let errorPage: AsyncLocalStorage<NodeResponse> | undefined;

/**
 * Keeps a response's head back until `commit` has said what goes into it. `commit` is called once, at the first call
 * that would send the head: `writeHead`, `write`, `end`, `flushHeaders` or what ends in one of them, such as `pipe`.
 *
 * When `commit` answers at once, nothing is ever kept back. When it answers with a promise, head and body wait in order:
 * to the caller the response looks as if it were being sent (`headersSent`, no more `setHeader`, `write` returning false
 * and "drain" later). Informational responses (1xx) pass.
 *
 * When `commit` fails, what waited is dropped, and `fail` is called with the error, a clean head and the response free
 * again, never from inside the handler's own call. From then on only what `fail` sets going can write: a handler that is
 * still streaming writes to nobody.
 *
 * A framework with a hook of its own before the head takes the commit over there, and the response is free.
 */
export function deferHead(response: NodeResponse, commit: Commit, fail: (error: unknown) => void): TakeCommit {
  const { writeHead, write, end, flushHeaders = () => {} } = response;
  let state: "open" | "held" | "free" | "dead" = "open";
  const queue: [method: Method, args: unknown[]][] = [];
  const isEnd = ([method]: (typeof queue)[number]): boolean => method === end;

  const own = {
    writeHead: (...args: unknown[]) =>
      passes(args) ? writeHead.apply(response, args) : keep(writeHead, args, response),
    write: (...args: unknown[]) => (passes() ? write.apply(response, args) : keep(write, args, false)),
    end: (...args: unknown[]) => (passes() ? end.apply(response, args) : keep(end, args, response)),
    flushHeaders: () => (passes() ? flushHeaders.call(response) : keep(flushHeaders, [], undefined)),
  };
  Object.assign(response, own);
  return () => {
    if (state !== "open") return null;
    free();
    return commit;
  };

  /** Whether the call may go on to the method below. `args` are `writeHead`'s, which may hold headers. */
  function passes(args?: unknown[]): boolean {
    if (state === "free") return true;
    if (state === "dead") return errorPage?.getStore() === response;
    if (state === "held") {
      if (args !== undefined) throw headersSentError();
      return false;
    }
    const given = args === undefined ? [] : givenHeaders(args);
    let lines: HeaderLine[] | Promise<HeaderLine[]>;
    try {
      lines = commit({ header: (name) => givenUnder(given, name) ?? response.getHeader(name) });
    } catch (error) {
      lines = Promise.reject(error);
    }
    if (!isPromise(lines)) {
      free();
      writeLines(lines, given, args);
      return true;
    }
    state = "held";
    const status = response.statusCode;
    const thaw = freezeHead(response, () => queue.some(isEnd));
    lines
      .then((lines) => {
        thaw();
        free();
        response.statusCode = status;
        writeLines(lines, given, args);
        replay();
      })
      .catch((error) => {
        thaw();
        giveUp(error);
      });
    return false;
  }

  function keep<T>(method: Method, args: unknown[], answer: T): T {
    if (state === "held") queue.push([method, args]);
    else callBack(args, new Error("the session could not be saved"));
    return answer;
  }

  /** The methods below take the calls again, where nobody else has wrapped ours meanwhile. */
  function free(): void {
    state = "free";
    if (response.writeHead === own.writeHead) response.writeHead = writeHead;
    if (response.write === own.write) response.write = write;
    if (response.end === own.end) response.end = end;
    if (response.flushHeaders === own.flushHeaders) response.flushHeaders = flushHeaders;
  }

  /** What `writeHead` was given is set first and taken out of its arguments, else it would overwrite the lines. */
  function writeLines(lines: HeaderLine[], given: [string, HeaderValue][], args: unknown[] | undefined): void {
    if (lines.length === 0) return;
    if (args !== undefined && given.length > 0) {
      setHeaders(response, given);
      args.length = typeof args[1] === "string" ? 2 : 1;
    }
    for (const [name, value] of lines) {
      if (isSetCookie(name)) appendCopied(response, name, value);
      else response.setHeader(name, value);
    }
  }

  function replay(): void {
    let full = false;
    let refused = false;
    for (const [method, args] of queue.splice(0)) {
      const answer = method.apply(response, args);
      if (method !== write) continue;
      refused = true;
      full = answer === false;
    }
    // A full response tells of itself when it has withoutData; one that took everything would not.
    if (refused && !full && !response.writableEnded) queueMicrotask(() => response.emit("drain"));
  }

  function giveUp(error: unknown): void {
    const dropped = queue.splice(0);
    state = "dead";
    if (dropped.some(isEnd)) free();
    if (!response.headersSent) {
      for (const name of representationHeaders) response.removeHeader(name);
      response.statusCode = 200;
    }
    for (const [, args] of dropped) callBack(args, error);
    errorPage ??= new AsyncLocalStorage();
    try {
      errorPage.run(response, () => fail(error));
    } catch {
      response.destroy();
    }
  }
}

/** Makes a held response look as one that is under way; returns what undoes that. */
function freezeHead(response: NodeResponse, isEnded: () => boolean): () => void {
  const refuse = (): never => {
    throw headersSentError();
  };
  const configurable = true;
  const look: PropertyDescriptorMap = {
    headersSent: { get: () => true, configurable },
    writableEnded: { get: isEnded, configurable },
    setHeader: { value: refuse, configurable },
    appendHeader: { value: refuse, configurable },
    removeHeader: { value: refuse, configurable },
  };
  const before: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(response);
  Object.defineProperties(response, look);
  return () => {
    for (const name of Object.keys(look)) {
      Reflect.deleteProperty(response, name);
      if (before[name] !== undefined) Object.defineProperty(response, name, before[name]);
    }
  };
}

function headersSentError(): Error {
  const error = new Error("Cannot set headers after they are sent");
  return Object.assign(error, { code: "ERR_HTTP_HEADERS_SENT" });
}

function setHeaders(response: NodeResponse, given: readonly (readonly [string, HeaderValue])[]): void {
  const seen = new Set<string>();
  for (const [name, value] of given) {
    if (!seen.has(name.toLowerCase())) response.setHeader(name, value);
    else for (const each of [value].flat()) appendCopied(response, name, String(each));
    seen.add(name.toLowerCase());
  }
}

/**
 * Adds a line to a header. Node's own `appendHeader` adds to the very list that the app gave, which may be one that it gives
 * with each response: a cookie in it would go to the next visitor.
 */
function appendCopied(response: NodeResponse, name: string, value: string): void {
  const before = response.getHeader(name);
  response.setHeader(name, before === undefined ? value : [...[before].flat().map(String), value]);
}

/** A dropped call's callback learns of it, so that nobody waits for ever. */
function callBack(args: readonly unknown[], error: unknown): void {
  const callback = args.at(-1);
  if (typeof callback === "function") queueMicrotask(() => callback(error));
}
