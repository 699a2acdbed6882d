import type { Clock } from '../clock/virtual-clock.js';
import type { VersionProfile } from '../version/version-profile.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import type { FrameWriter } from '../wire/frame-writer.js';
import type { ReplyRegistry } from './reply-registry.js';

/** What may be asked of a resource. */
export type Permission = 'configure' | 'write' | 'read';

/** Limits and disturbances that hold for every channel of the broker. */
export interface ChannelEnvironment {
  readonly clock: Clock;
  readonly profile: VersionProfile;
  readonly replies: ReplyRegistry;
  /** Longest a delivery may stay unacknowledged; `undefined` for ever. */
  readonly consumerTimeoutMs: number | undefined;
  readonly maxMessageBytes: number;
  /** `true` when the next confirm is to be a nack; counts it down. */
  takeNack(): boolean;
}

/** What a channel needs from its connection. */
export interface ChannelHost {
  readonly environment: ChannelEnvironment;
  readonly vhost: VirtualHost;
  readonly userName: string;
  /** Whether messages may carry the name of another user: the tag `impersonator`. */
  readonly mayImpersonate: boolean;
  readonly writer: FrameWriter;
  /** `false` while the peer does not keep up. */
  readonly writable: boolean;
  /** Whether the client understands basic.cancel from the server. */
  readonly understandsCancel: boolean;
  /** Something was written: it goes out when the turn ends. */
  written(): void;
  /** Calls {@link FlushTarget.beforeFlush} when the turn ends. */
  flushLater(target: FlushTarget): void;
  /** @throws {AmqpError} 403 when the user lacks it */
  checkPermission(permission: Permission, kind: 'queue' | 'exchange', name: string): void;
  /** Closes the channel from outside a method, such as after a timeout. */
  failChannel(channelNumber: number, code: number, text: string): void;
}

/** Something that has frames to write when the turn ends, such as gathered confirms. */
export interface FlushTarget {
  beforeFlush(): void;
}
