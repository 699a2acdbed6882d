import type { Target } from '../targets/target.js';
import { ConformanceClient } from '../wire/client.js';
import { describeSeen } from '../wire/seen.js';

const BOUND_MS = 10_000;

/** A connection of the harness itself, which looks at queues without the program noticing, empties them and deletes them. */
export class Control {
  readonly #target: Target;
  readonly #channels = new Map<string, number>();
  #client: ConformanceClient | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  /** One line for each queue: its ready messages and consumers, that it is another connection's, or that there is none. */
  async states(queues: readonly string[]): Promise<string[]> {
    if (queues.length === 0) return [];
    const client = await this.#connected();
    const answers = await this.#ask(client, queues, (channel, queue) =>
      client.send(channel, 'queue.declare', { queue, passive: true }),
    );
    return answers.map(([queue, name, method]) => {
      if (name === 'queue.declare-ok') {
        return `${queue}: ready=${method?.number('messageCount')} consumers=${method?.number('consumerCount')}`;
      }
      return `${queue}: ${STATES.get(method?.number('replyCode') ?? 0) ?? method?.text('replyText') ?? name}`;
    });
  }

  /** Takes every message that is ready: one line for each. */
  async drain(queues: readonly string[]): Promise<string[]> {
    const client = await this.#connected();
    const lines: string[] = [];
    for (const queue of queues) {
      for (let more = true; more; ) {
        const channel = this.#channelOf(client, queue);
        client.send(channel, 'basic.get', { queue, noAck: true });
        await client.waitFor(() => client.has('basic.get-ok') || this.#refused(client), BOUND_MS);
        const [observed] = client.take().filter(({ seen }) => seen.name !== 'channel.open-ok');
        more = observed?.seen.name === 'basic.get-ok';
        if (observed === undefined || observed.seen.name === 'basic.get-empty') continue;
        const text = describeSeen(observed.seen).replace(/deliveryTag=\d+ /, '');
        // That there is none, or that it is another's, has been said.
        if (more || !/replyCode=40[45].*(no queue|locked queue)/.test(text)) lines.push(`${queue} holds ${text}`);
      }
    }
    return lines;
  }

  /** Deletes what a program may have left. */
  async clean(queues: readonly string[], exchanges: readonly string[]): Promise<void> {
    const client = await this.#connected();
    const deadline = performance.now() + BOUND_MS;
    for (let left = queues; left.length > 0; ) {
      const answers = await this.#ask(client, left, (channel, queue) =>
        client.send(channel, 'queue.delete', { queue }),
      );
      // 405: its connection was cut and the broker is about to delete it.
      left = answers.flatMap(([queue, , method, name]) =>
        name === 'channel.close' && method?.number('replyCode') === 405 ? [queue] : [],
      );
      if (performance.now() > deadline) throw new Error(`queues that cannot be deleted: ${left.join(', ')}`);
    }
    await this.#ask(client, exchanges, (channel, exchange) => client.send(channel, 'exchange.delete', { exchange }));
  }

  close(): void {
    this.#client?.cut();
    this.#client = undefined;
  }

  async #ask(
    client: ConformanceClient,
    names: readonly string[],
    send: (channel: number, name: string) => void,
  ): Promise<Answer[]> {
    client.take();
    const channels = names.map((name) => {
      const channel = this.#channelOf(client, name);
      send(channel, name);
      return channel;
    });
    const waiting = new Set(channels);
    const answers = new Map<number, Answer>();
    const collect = (): boolean => {
      for (const { seen } of client.take()) {
        if (!waiting.delete(seen.channel)) continue;
        if (seen.name === 'channel.open-ok') waiting.add(seen.channel);
        else answers.set(seen.channel, ['', seen.name, seen.method, seen.name]);
      }
      return waiting.size === 0 || client.state === 'closed';
    };
    if (!(await client.waitFor(collect, BOUND_MS))) throw new Error(`no answer about ${names.join(', ')}`);
    return names.map((name, i) => {
      const answer = answers.get(channels[i] ?? 0);
      return [name, answer?.[1] ?? 'no answer', answer?.[2], answer?.[3] ?? ''];
    });
  }

  #refused(client: ConformanceClient): boolean {
    return client.has('basic.get-empty') || client.has('channel.close') || client.state === 'closed';
  }

  #channelOf(client: ConformanceClient, name: string): number {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = this.#channels.size + 1;
      this.#channels.set(name, channel);
    }
    if (!client.channels.has(channel)) client.send(channel, 'channel.open');
    return channel;
  }

  async #connected(): Promise<ConformanceClient> {
    if (this.#client === undefined || this.#client.state !== 'open') {
      this.#client?.cut();
      this.#client = await ConformanceClient.connect(
        this.#target.port,
        { vhost: this.#target.vhost, bare: true },
        BOUND_MS,
      );
      if (this.#client.state !== 'open') throw new Error(`the harness cannot connect to vhost ${this.#target.vhost}`);
    }
    return this.#client;
  }
}

type Observed = ReturnType<ConformanceClient['take']>[number]['seen'];
type Answer = readonly [queue: string, name: string, method: Observed['method'], kind: string];

const STATES = new Map([
  [404, 'none'],
  [405, 'locked'],
]);
