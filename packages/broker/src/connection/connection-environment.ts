import type { ChannelEnvironment } from '../channel/channel-host.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import type { User } from './authentication.js';

/** Disturbances a test may order for the bytes of every connection. */
export interface WireFaults {
  /** Everything sent is held back this long. */
  delayMs: number;
  /** What is sent is thrown away. */
  dropsSent: boolean;
  /** What is received is thrown away. */
  dropsReceived: boolean;
}

/** What a connection needs from the broker. */
export interface ConnectionEnvironment extends ChannelEnvironment {
  readonly users: ReadonlyMap<string, User>;
  readonly faults: WireFaults;
  readonly channelMax: number;
  readonly frameMax: number;
  readonly heartbeatSeconds: number;
  readonly clusterName: string;
  /** Why publishing is blocked; `undefined` when it is not. */
  readonly alarm: string | undefined;
  /** Told of bytes that came in. */
  received(bytes: number): void;
  /** Told of a client that is not let in. */
  refused(address: string, reason: string): void;
  virtualHost(name: string): VirtualHost | undefined;
}
