import type { Program, Step } from '../program/program.js';
import { SHORT_MS, TICK_MS } from '../program/program.js';
import type { Plain } from '../wire/plain-fields.js';
import { Random } from './random.js';

type Fields = { readonly [field: string]: Plain };

/**
 * What a program is about. RabbitMQ's queues and channels are processes that race each other; a program only does what
 * has one outcome:
 *
 * | kind | does | does not, because the order would be a race |
 * |---|---|---|
 * | routing | exchanges, fan-out, CC, several channels | dead-letter; two channels of one connection that are cut at once |
 * | dying | expiry, limits, dead-letter chains | fan-out and transactions; a burst to a queue whose dead letters come back to it |
 * | quorum | the same on quorum queues | as above; a queue of another type under the same name, over which a channel of 3.10 falls (541) |
 */
type Kind = 'routing' | 'dying' | 'quorum';

const EXCHANGES = ['e1', 'e2'] as const;
const BUILT_IN = ['amq.direct', 'amq.topic', 'amq.fanout', 'amq.headers'] as const;
const KEYS = ['k', 'a.b', 'a.*', '#', 'a.#', '*', '', 'q1', 'a.b.c'] as const;
const EXCHANGE_TYPES = ['direct', 'fanout', 'topic', 'headers'] as const;

/** The program that belongs to a number: the same one every time. */
export function generateProgram(seed: number): Program {
  const random = new Random(seed * 7919 + 17);
  const kind = random.weighted<Kind>([
    [45, 'routing'],
    [40, 'dying'],
    [15, 'quorum'],
  ]);
  return { name: `random ${seed} (${kind})`, steps: new Generator(random, kind).steps() };
}

class Generator {
  readonly #random: Random;
  readonly #kind: Kind;
  readonly #queues: readonly string[];
  readonly #places: readonly string[];
  readonly #timed: boolean;
  /** The prefetch of a channel: with two queues it would be a race which of them gets the room. */
  readonly #sharedQos: boolean;
  readonly #declarations = new Map<string, Step>();
  /** Queues that stay classic in a program about quorum queues. */
  readonly #classic: ReadonlySet<string>;
  /** Where each queue may have sent dead letters so far. */
  readonly #deadLetterQueues = new Map<string, Set<string>>();
  readonly #tags: string[] = [];
  #waits = 0;

  constructor(random: Random, kind: Kind) {
    this.#random = random;
    this.#kind = kind;
    this.#queues = ['q1', 'q2', 'q3'].slice(0, 1 + random.int(3));
    this.#places = kind === 'routing' ? ['a1', 'a1', 'a2', 'b1'] : ['a1', 'a1', 'b1'];
    this.#timed = kind !== 'routing' && random.chance(45);
    this.#sharedQos = random.chance(20);
    this.#classic = new Set(this.#queues.filter(() => kind !== 'quorum' || random.chance(15)));
  }

  steps(): Step[] {
    const steps: Step[] = [];
    for (const queue of this.#queues) if (this.#random.chance(95)) steps.push(this.#declareQueue(queue));
    if (this.#kind === 'routing') {
      for (const exchange of EXCHANGES) if (this.#random.chance(60)) steps.push(this.#declareExchange(exchange));
      for (let i = this.#random.int(4); i > 0; i--) steps.push(this.#bind());
    }
    if (this.#random.chance(25)) steps.push({ do: 'confirm.select', on: this.#place() });
    else if (this.#kind === 'routing' && this.#random.chance(20)) steps.push({ do: 'tx.select', on: this.#place() });
    const length = 6 + this.#random.int(14);
    for (let i = 0; i < length; i++) steps.push(this.#step());
    return steps;
  }

  #step(): Step {
    const routing = this.#kind === 'routing';
    const make = this.#random.weighted<() => Step>([
      [24, () => this.#publish()],
      [7, () => this.#burst()],
      [12, () => this.#consume()],
      [20, () => this.#settle()],
      [8, () => this.#get()],
      [4, () => this.#qos()],
      [3, () => this.#cancel()],
      [this.#timed && this.#waits < 2 ? 10 : 0, () => this.#wait()],
      [2, () => this.#method('basic.recover', { requeue: true })],
      [2, () => this.#badTag()],
      [2, () => this.#method('queue.purge', { queue: this.#queue() })],
      [2, () => this.#deleteQueue()],
      [3, () => this.#declareQueue(this.#queue())],
      [1, () => this.#again()],
      [1, () => this.#method('queue.declare', { queue: this.#queue(), passive: true })],
      [routing ? 3 : 0, () => this.#transaction()],
      [1, () => this.#method('confirm.select')],
      [2, () => this.#method('channel.close', { replyCode: 200 })],
      [2, () => this.#cut()],
      [routing ? 4 : 0, () => this.#bind()],
      [routing ? 2 : 0, () => this.#unbind()],
      [routing ? 2 : 0, () => this.#declareExchange(this.#random.pick(EXCHANGES))],
      [routing ? 1 : 0, () => this.#deleteExchange()],
      [routing ? 1 : 0, () => this.#bindExchange()],
    ]);
    return make();
  }

  /** Two channels cut at once race each other: their connection is cut only where it has one. */
  #cut(): Step {
    const on = this.#place().slice(0, 1);
    return { do: 'cut', on: this.#kind === 'routing' ? 'b' : on };
  }

  #place(): string {
    return this.#random.pick(this.#places);
  }

  #queue(): string {
    return this.#random.chance(3) ? 'none' : this.#random.pick(this.#queues);
  }

  #exchange(): string {
    return this.#random.weighted([
      [60, this.#random.pick(EXCHANGES)],
      [38, this.#random.pick(BUILT_IN)],
      [2, 'none'],
    ]);
  }

  #method(name: Exclude<Step['do'], never>, fields: Fields = {}): Step {
    return { do: name, on: this.#place(), fields } as Step;
  }

  #declareQueue(queue: string): Step {
    const random = this.#random;
    const quorumKind = this.#kind === 'quorum' && !this.#classic.has(queue);
    const args = quorumKind ? this.#quorumArguments(queue) : this.#arguments(queue);
    const quorum = args['x-queue-type'] === 'quorum';
    const fields = {
      queue,
      durable: quorum || random.chance(30),
      autoDelete: !quorum && random.chance(6),
      exclusive: !quorum && random.chance(6),
      arguments: args,
    };
    const step = this.#method('queue.declare', fields);
    if (!this.#declarations.has(queue)) this.#declarations.set(queue, step);
    return step;
  }

  #again(): Step {
    const known = [...this.#declarations.values()];
    return known.length === 0
      ? this.#method('queue.declare', { queue: '', exclusive: true })
      : this.#random.pick(known);
  }

  #arguments(queue: string): Fields {
    const random = this.#random;
    const args: { [key: string]: Plain } = {};
    if (random.chance(15)) args['x-max-priority'] = random.pick([1, 5, 10]);
    if (random.chance(8)) args['x-single-active-consumer'] = true;
    if (this.#kind === 'routing') {
      if (random.chance(15)) this.#limit(args, ['drop-head', 'reject-publish']);
      return args;
    }
    if (random.chance(45)) this.#limit(args, ['drop-head', 'drop-head', 'reject-publish', 'reject-publish-dlx']);
    if (this.#timed && random.chance(50)) args['x-message-ttl'] = random.pick([SHORT_MS, SHORT_MS, 3_600_000, 0]);
    if (this.#timed && random.chance(12)) args['x-expires'] = SHORT_MS;
    if (random.chance(65)) this.#deadLetter(args, queue);
    return args;
  }

  #quorumArguments(queue: string): Fields {
    const random = this.#random;
    const args: { [key: string]: Plain } = { 'x-queue-type': 'quorum' };
    if (random.chance(30)) args['x-delivery-limit'] = random.int(4);
    if (random.chance(10)) args['x-single-active-consumer'] = true;
    if (random.chance(25)) this.#limit(args, ['drop-head']);
    if (this.#timed && random.chance(30)) args['x-message-ttl'] = random.pick([SHORT_MS, 3_600_000]);
    if (random.chance(65)) this.#deadLetter(args, queue);
    return args;
  }

  #limit(args: { [key: string]: Plain }, overflows: readonly string[]): void {
    if (this.#random.chance(75)) args['x-max-length'] = this.#random.int(4);
    else args['x-max-length-bytes'] = this.#random.pick([2, 5, 12]);
    const overflow = this.#random.pick(overflows);
    if (overflow !== 'drop-head') args['x-overflow'] = overflow;
  }

  /** To the next queue, to itself, or nowhere: one source for each queue. */
  #deadLetter(args: { [key: string]: Plain }, queue: string): void {
    const next = `q${(Number(queue.slice(1)) % this.#queues.length) + 1}`;
    const target = this.#random.weighted([
      [80, next],
      [12, queue],
      [8, 'none'],
    ]);
    const before = this.#deadLetterQueues.get(queue) ?? new Set();
    this.#deadLetterQueues.set(queue, before.add(target));
    args['x-dead-letter-exchange'] = target === 'none' && this.#random.chance(50) ? 'none' : '';
    args['x-dead-letter-routing-key'] = target;
  }

  /** Whether dead letters of the queue may come back to it. */
  #loops(queue: string): boolean {
    const reached = new Set(this.#deadLetterQueues.get(queue));
    for (const each of reached) for (const next of this.#deadLetterQueues.get(each) ?? []) reached.add(next);
    return reached.has(queue);
  }

  #declareExchange(exchange: string): Step {
    const random = this.#random;
    const args: { [key: string]: Plain } = {};
    if (random.chance(25)) args['alternate-exchange'] = random.pick([...EXCHANGES, 'amq.fanout', 'none']);
    return this.#method('exchange.declare', {
      exchange,
      type: random.pick(EXCHANGE_TYPES),
      autoDelete: random.chance(15),
      internal: random.chance(5),
      arguments: args,
    });
  }

  #deleteExchange(): Step {
    const exchange = this.#random.pick(EXCHANGES);
    return this.#method('exchange.delete', { exchange, ifUnused: this.#random.chance(40) });
  }

  #bind(): Step {
    return this.#method('queue.bind', { queue: this.#queue(), exchange: this.#exchange(), ...this.#bindingKey() });
  }

  #unbind(): Step {
    return this.#method('queue.unbind', { queue: this.#queue(), exchange: this.#exchange(), ...this.#bindingKey() });
  }

  #bindExchange(): Step {
    const [destination, source] = this.#random.chance(50) ? EXCHANGES : [...EXCHANGES].reverse();
    return this.#method('exchange.bind', {
      destination: destination ?? '',
      source: source ?? '',
      ...this.#bindingKey(),
    });
  }

  #bindingKey(): Fields {
    const random = this.#random;
    const args = random.chance(40)
      ? { ...this.#headers(), ...(random.chance(50) ? { 'x-match': random.pick(['all', 'any']) } : {}) }
      : {};
    return { routingKey: random.pick(KEYS), arguments: args };
  }

  #headers(): Fields {
    const random = this.#random;
    const headers: { [key: string]: Plain } = {};
    if (random.chance(60)) headers['h'] = random.pick<Plain>([1, 2, 'x', true, null, 1.5, { tag: 'l', value: 1 }]);
    if (random.chance(30)) headers['g'] = random.pick<Plain>(['x', 1, [1, 'x'], { deep: 1 }]);
    if (random.chance(10)) headers['x-h'] = 1;
    return headers;
  }

  #publish(): Step {
    const random = this.#random;
    const direct = this.#kind !== 'routing' || random.chance(50);
    const exchange = direct ? '' : this.#exchange();
    const routingKey = direct ? this.#queue() : random.pick(KEYS);
    return {
      do: 'basic.publish',
      on: this.#place(),
      exchange,
      routingKey,
      ...(random.chance(20) ? { mandatory: true } : {}),
      properties: this.#properties(),
      ...(random.chance(5) ? { body: random.pick(['', 'a longer body']) } : {}),
    };
  }

  #properties(): { [property: string]: string | number | { readonly [header: string]: Plain } } {
    const random = this.#random;
    const properties: { [property: string]: string | number | { readonly [header: string]: Plain } } = {};
    if (random.chance(30)) properties['delivery_mode'] = random.pick([1, 2]);
    if (random.chance(35)) properties['priority'] = random.int(12);
    if (random.chance(20)) properties['message_id'] = 'id';
    if (this.#timed && random.chance(25)) {
      properties['expiration'] = random.pick([String(SHORT_MS), String(SHORT_MS), '3600000', '0']);
    } else if (random.chance(2)) properties['expiration'] = 'soon';
    const headers = random.chance(30) ? this.#headers() : {};
    // Copies to several queues that dead-letter into each other would race.
    const extra: { [key: string]: Plain } = {};
    if (this.#kind === 'routing' && random.chance(8)) extra['CC'] = [this.#queue(), 'k'];
    if (this.#kind === 'routing' && random.chance(5)) extra['BCC'] = [this.#queue()];
    if (random.chance(1)) extra['CC'] = 'no list';
    const all = { ...headers, ...extra };
    if (Object.keys(all).length > 0) properties['headers'] = all;
    return properties;
  }

  #burst(): Step {
    const on = this.#place();
    const count = 2 + this.#random.int(4);
    // What is sent to two queues at once races the dead letters of one to the other.
    const [only] = this.#kind === 'routing' ? [] : [this.#random.pick(this.#queues)];
    if (only !== undefined && this.#loops(only)) return this.#publish();
    const steps = Array.from({ length: count }, (_, i): Step => {
      const routingKey = only ?? this.#random.pick(this.#queues);
      return { do: 'basic.publish', routingKey, body: `b${i}`, properties: this.#burstProperties() };
    });
    return { do: 'burst', on, steps };
  }

  #burstProperties(): { [property: string]: number } {
    return this.#random.chance(40) ? { priority: this.#random.int(8) } : {};
  }

  #consume(): Step {
    const random = this.#random;
    const place = this.#place();
    const repeated = random.chance(4) && this.#tags.length > 0;
    const consumerTag = repeated ? random.pick(this.#tags) : `t${this.#tags.length + 1}`;
    if (!repeated) this.#tags.push(consumerTag);
    const queue = this.#sharedQos ? (this.#queues[0] ?? 'q1') : this.#queue();
    return {
      do: 'basic.consume',
      on: place,
      fields: {
        queue,
        consumerTag,
        noAck: random.chance(20),
        exclusive: random.chance(4),
        arguments: random.chance(15) ? { 'x-priority': random.pick([-1, 1, 5]) } : {},
      },
    };
  }

  #settle(): Step {
    const random = this.#random;
    const by = random.weighted([
      [40, 'basic.ack'],
      [35, 'basic.nack'],
      [25, 'basic.reject'],
    ] as const);
    const multiple = by !== 'basic.reject' && random.chance(30);
    const requeue = by !== 'basic.ack' && random.chance(55);
    return {
      do: 'settle',
      on: this.#place(),
      by,
      pick: random.int(4),
      ...(multiple ? { multiple } : {}),
      ...(requeue ? { requeue } : {}),
    };
  }

  #get(): Step {
    return this.#method('basic.get', { queue: this.#queue(), noAck: this.#random.chance(40) });
  }

  #qos(): Step {
    return this.#method('basic.qos', {
      prefetchCount: this.#random.int(4),
      global: this.#sharedQos && this.#kind !== 'quorum' && this.#random.chance(50),
    });
  }

  #cancel(): Step {
    const consumerTag = this.#tags.length > 0 ? this.#random.pick(this.#tags) : 'none';
    return this.#method('basic.cancel', { consumerTag });
  }

  #wait(): Step {
    this.#waits++;
    return { do: 'wait', ms: TICK_MS };
  }

  #badTag(): Step {
    const random = this.#random;
    const deliveryTag = random.pick([0, 1, 2, 3, 99]);
    const name = random.pick(['basic.ack', 'basic.nack', 'basic.reject'] as const);
    const multiple = name !== 'basic.reject' && random.chance(50);
    return this.#method(name, { deliveryTag, ...(multiple ? { multiple } : {}) });
  }

  #deleteQueue(): Step {
    const random = this.#random;
    return this.#method('queue.delete', {
      queue: this.#queue(),
      ifUnused: random.chance(20),
      ifEmpty: random.chance(20),
    });
  }

  #transaction(): Step {
    return this.#method(this.#random.pick(['tx.select', 'tx.commit', 'tx.commit', 'tx.rollback'] as const));
  }
}
