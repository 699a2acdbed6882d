/** Types of tcp-proxy.mjs. */

/** Sees the bytes of one connection as they pass. */
export interface ProxyLook {
  /** What the client sends. */
  up?(chunk: Buffer): void;
  /** What the broker sends. */
  down?(chunk: Buffer): void;
  /** The connection is gone. */
  end?(): void;
}

export interface ProxyOptions {
  /** Where the target listens. Default `127.0.0.1`. */
  readonly host?: string;
  /** Called for each connection, with its number from 1. Default: nobody looks. */
  readonly look?: (connection: number) => ProxyLook | undefined;
  /** From 0 up to 1, for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

/** How slow the network is; what is left out is as fast as ever. */
export interface Slowness {
  /** Milliseconds that each piece arrives later, in each direction. */
  readonly latencyMs?: number;
  /** Up to so many milliseconds more or less. */
  readonly jitterMs?: number;
  readonly bytesPerSecond?: number;
  /** Pieces are cut into slices of so many bytes. */
  readonly sliceBytes?: number;
}

/** A TCP proxy on 127.0.0.1 that can do what networks do. */
export declare class TcpProxy implements AsyncDisposable {
  /** Starts one on a free port, before a port of 127.0.0.1 (or of `host`), or before the host and port of a URL. */
  static start(target: number | string, options?: ProxyOptions): Promise<TcpProxy>;
  /** The same port over {@link down} and {@link up}. */
  readonly port: number;
  /** `amqp://guest:guest@127.0.0.1:<port>` */
  readonly url: string;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Connections open at the moment. */
  readonly open: number;
  /** Their numbers. */
  readonly connections: readonly number[];
  /** A URL with the proxy in place of its host and port. */
  through(target: string): string;
  /** Resets every connection, or the one of this number, in both directions; answers how many. New ones are welcome. */
  cut(connection?: number): number;
  /** Cuts each connection when so many more bytes have passed: in the middle of a frame, as a rule. */
  cutAfter(bytes: number): void;
  /** New connections are refused (nothing listens any more); those that stand go on. */
  refuse(): void;
  /** Cuts what stands and refuses what comes. */
  down(): Promise<void>;
  /** Listens (again), on the port it had. */
  up(): Promise<void>;
  /** Cuts, and ends new connections as soon as they are accepted, as a proxy does that finds no broker, until {@link up}. */
  hangUp(): void;
  /** A black hole: connections stay open and new ones are accepted, and not a byte goes through. */
  freeze(): void;
  /** Ends {@link freeze}; what was held back goes through. */
  thaw(): void;
  /** Slows down what comes from now on; `undefined` ends it. */
  slow(slowness: Slowness | undefined): void;
  /** Sends the broker bytes that the client of a connection did not send. */
  toBroker(connection: number, bytes: Buffer): void;
  /** Sends the client of a connection bytes that the broker did not send. */
  toClient(connection: number, bytes: Buffer): void;
  [Symbol.asyncDispose](): Promise<void>;
}
