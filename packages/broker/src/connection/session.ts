import type { ChannelHost, FlushTarget, Permission } from '../channel/channel-host.js';
import { channelError } from '../errors/amqp-error.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import type { FrameWriter } from '../wire/frame-writer.js';
import { isPermitted, resourceName } from './authorization.js';
import { ChannelTable } from './channel-table.js';
import type { ConnectionEnvironment } from './connection-environment.js';
import type { FrameOutput } from './frame-output.js';
import type { ClientIdentity } from './handshake.js';

/** An open connection as its channels see it: who the client is, what it may do, and where frames go. It owns exclusive queues. */
export class Session implements ChannelHost {
  readonly environment: ConnectionEnvironment;
  readonly identity: ClientIdentity;
  readonly vhost: VirtualHost;
  readonly userName: string;
  readonly mayImpersonate: boolean;
  readonly understandsCancel: boolean;
  readonly writer: FrameWriter;
  readonly channels: ChannelTable;
  readonly #output: FrameOutput;

  constructor(identity: ClientIdentity, environment: ConnectionEnvironment, output: FrameOutput) {
    this.environment = environment;
    this.identity = identity;
    this.vhost = identity.vhost;
    this.userName = identity.user.name;
    this.mayImpersonate = identity.user.tags.includes('impersonator');
    this.understandsCancel = identity.capabilities.has('consumer_cancel_notify');
    this.writer = output.writer;
    this.#output = output;
    this.channels = new ChannelTable(this, identity.channelMax);
  }

  get writable(): boolean {
    return this.#output.writable;
  }

  written(): void {
    this.#output.written();
  }

  flushLater(target: FlushTarget): void {
    this.#output.flushLater(target);
  }

  checkPermission(permission: Permission, kind: 'queue' | 'exchange', name: string): void {
    const { user, vhost } = this.identity;
    const resource = resourceName(kind, name);
    if (isPermitted(user, vhost.name, permission, resource)) return;
    const what = this.environment.profile.version === '3.10' ? 'access' : `${permission} access`;
    throw channelError(
      403,
      `${what} to ${kind} '${resource}' in vhost '${vhost.name}' refused for user '${user.name}'`,
    );
  }

  failChannel(channelNumber: number, code: number, text: string): void {
    this.channels.close(channelNumber, channelError(code, text), 0);
  }

  /**
   * Ends the channels without a word, and removes the exclusive queues.
   *
   * @param isLost the socket is gone: exclusive queues then go first, and what their consumers held with them
   */
  end(isLost: boolean): void {
    if (isLost) this.vhost.queues.removeOf(this);
    this.channels.end();
    this.vhost.queues.removeOf(this);
  }
}
