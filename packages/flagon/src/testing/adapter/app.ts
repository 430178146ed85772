import type { HeaderLine } from "../../http/headers.ts";
import type { Session } from "../../session.ts";
import type { Sessions } from "../../sessions.ts";
import type { Data } from "./client.ts";
import type { SharedHead } from "./shared-head.ts";

/** What a server under test is made of. */
export interface AdapterApp {
  /** To be given to the adapter as they are. */
  readonly sessions: Sessions<Data>;
  /** To be mounted behind the adapter. A GET route answers HEAD as well, in the framework's own way. */
  readonly routes: readonly AdapterRoute[];
  /**
   * Takes in what the app makes once and hands to the framework or to the adapter, such as their options, and hands it back:
   * frozen in some cases, and never to be written on by a request.
   */
  shared<Shared extends object>(configuration: Shared): Shared;
}

/** A server that runs, and how to stop it. */
export interface RunningAdapter {
  /** As in "http://127.0.0.1:3000": plain HTTP/1.1 on a loopback address. */
  readonly origin: string;
  close(): unknown;
}

/** Starts a real server of the framework with the app on it. Called once for each case. */
export type ServeAdapter = (app: AdapterApp) => RunningAdapter | Promise<RunningAdapter>;

/** In what a framework differs from the others, so that the suite asks it for what it can do, and for no more. */
export interface AdapterTraits {
  /**
   * Whether the framework makes a response of what a handler throws, and the adapter sees it; default true. A fetch
   * handler that throws has none: what was changed before is then not saved.
   */
  readonly answersErrors?: boolean;
  /**
   * In which ways an app can give the framework a head that was made once, for each answer anew: names of your choosing, such
   * as "writeHead with a list". Each comes back as the `way` of replies of the kind "shared". Default: one, named "shared".
   */
  readonly sharedHeads?: readonly string[];
}

/** What a route answers with. Each framework says it in its own way: its own redirect, its own stream. */
export type AdapterReply =
  | {
      readonly kind: "text";
      /** 200 unless given. */
      readonly status?: number;
      /** The app's own headers, to be sent as they are; a name may come twice. */
      readonly headers?: readonly HeaderLine[];
      readonly body: string;
    }
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "stream"; readonly chunks: AsyncIterable<string> }
  | { readonly kind: "empty"; readonly status: 204 | 304 }
  | SharedReply;

/** An answer whose head the app has made once, for everybody. */
export interface SharedReply {
  readonly kind: "shared";
  /** One of the adapter's own `sharedHeads`: how the framework is to be given the head. */
  readonly way: string;
  readonly status: number;
  /** The same objects for each visitor. To be handed to the framework as they are, in the one form that `way` takes. */
  readonly head: SharedHead;
  readonly body: string | AsyncIterable<string> | null;
}

/** A route for the app under test to mount. The suite looks for nothing at other paths. */
export interface AdapterRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** What the framework's handler does. What it throws is thrown on, to the framework's own error path. */
  handle(session: Session<Data>): AdapterReply | Promise<AdapterReply>;
}
