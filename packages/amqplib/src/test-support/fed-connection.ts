import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Channel } from 'amqplib';

interface FedInternals {
  stream: { read(): Buffer | null };
  channelMax: number;
  maxFrameSize: number;
  accept: (frame: { readonly channel: number }) => void;
  sendMethod: (channel: number, method: number, fields: object) => void;
  readonly channels: readonly { readonly channel: { accept(frame: object): void } }[];
  recvFrame(): { readonly channel: number } | false;
}

interface AmqplibChannel {
  options: object;
  allocate(): AmqplibChannel;
  registerConsumer(tag: string, callback: (message: object) => void): void;
  closeBecause(reason: string, code: number): void;
}

const lib = (file: string) => {
  const require = createRequire(import.meta.url);
  return require(join(dirname(require.resolve('amqplib')), 'lib', file)) as Record<
    string,
    new (
      ...args: never[]
    ) => unknown
  >;
};

/** A connection of amqplib's own, open, that reads what a test feeds it, and notes what it would send. */
export class FedConnection {
  readonly connection: FedInternals;
  readonly sent: string[] = [];
  readonly #chunks: Buffer[] = [];

  constructor() {
    const Connection = lib('connection.js')['Connection'] as unknown as new (stream: PassThrough) => FedInternals;
    this.connection = new Connection(new PassThrough());
    this.connection.channelMax = 10;
    this.connection.maxFrameSize = 5000;
    this.connection.stream = { read: () => this.#chunks.shift() ?? null };
    // As it does when a connection is open.
    this.connection.accept = (frame) => this.connection.channels[frame.channel]?.channel.accept(frame);
    this.connection.sendMethod = (channel, method, fields) =>
      void this.sent.push(`${channel} ${method} ${JSON.stringify(fields)}`);
  }

  openChannel(): Channel & AmqplibChannel {
    const Opened = lib('channel_model.js')['Channel'] as unknown as new (connection: FedInternals) => AmqplibChannel;
    const channel = new Opened(this.connection);
    channel.options = {};
    return channel.allocate() as Channel & AmqplibChannel;
  }

  /** Takes all frames of what is fed, as amqplib's loop does. Answers what ended that, if anything did. */
  feed(...chunks: readonly Buffer[]): Error | undefined {
    try {
      for (const chunk of chunks) {
        this.#chunks.push(chunk);
        for (let frame = this.connection.recvFrame(); frame; frame = this.connection.recvFrame()) {
          this.connection.accept(frame);
        }
      }
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }
}
