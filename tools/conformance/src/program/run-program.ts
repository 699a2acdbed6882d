import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from '../targets/target.js';
import type { OpenDelivery } from '../wire/channel-record.js';
import { ConformanceClient, type LoginOptions, type Observed } from '../wire/client.js';
import type { DecodedProperties, MethodValue } from '../wire/codec.js';
import { type Plain, tableOf } from '../wire/plain-fields.js';
import { Control } from './control.js';
import { Labels } from './labels.js';
import { observationLines } from './observation.js';
import type { MethodStep, Program, PublishStep, SettleStep, Step } from './program.js';

/** What a run showed. */
export interface Run {
  /** What was observed after each step, and at last what is left in the queues once every connection is gone. */
  readonly observations: readonly (readonly string[])[];
  /** How far the real clock ran ahead of the program's own time, at most. */
  readonly driftMs: number;
}

const ANSWER_BOUND_MS = 10_000;
const CONVERGENCE_BOUND_MS = 2_500;

/**
 * Runs a program. After each step every channel is asked for a sign of life and every queue for its counts, so that what
 * the step led to has been seen. A real node does some of it in the background: there the `expected` observation is waited
 * for, within a bound, and the run ends at the first step where it does not come, unless it `goesOn`.
 */
export async function runProgram(
  program: Program,
  target: Target,
  expected?: readonly (readonly string[])[],
  goesOn = false,
): Promise<Run> {
  const runner = new Runner(target);
  try {
    return await runner.run(program, expected, goesOn);
  } finally {
    await runner.end();
  }
}

class Runner {
  readonly #target: Target;
  readonly #control: Control;
  readonly #labels = new Labels();
  readonly #clients = new Map<string, ConformanceClient>();
  readonly #queues = new Set<string>();
  readonly #exchanges = new Set<string>();
  readonly #pending = new Map<string, Observed[]>();
  #notes: string[] = [];
  #step = 0;
  #elapsedMs = 0;
  #startedAt = 0;
  #driftMs = 0;

  constructor(target: Target) {
    this.#target = target;
    this.#control = new Control(target);
  }

  async run(program: Program, expected: Run['observations'] | undefined, goesOn: boolean): Promise<Run> {
    const observations: string[][] = [];
    // The connection of the harness is made before the clock starts.
    await this.#control.states(['none']);
    this.#startedAt = performance.now();
    for (const step of [...program.steps, ...farewells(program.steps), undefined]) {
      const wanted = expected?.[this.#step];
      this.#step++;
      if (step !== undefined) await this.#perform(step);
      const lines = step === undefined ? await this.#leftovers() : await this.#seen(step, wanted);
      observations.push(lines);
      if (!goesOn && wanted !== undefined && !sameLines(lines, wanted)) break;
    }
    return { observations, driftMs: this.#driftMs };
  }

  /** Cuts what is open and deletes what is left, so that the next program finds an empty virtual host. */
  async end(): Promise<void> {
    for (const client of this.#clients.values()) client.cut();
    try {
      if (!this.#target.finishesAtOnce) await this.#control.clean([...this.#queues], [...this.#exchanges]);
    } finally {
      this.#control.close();
    }
  }

  async #seen(step: Step, wanted: readonly string[] | undefined): Promise<string[]> {
    return step.unsettled === true ? [] : this.#settle(wanted);
  }

  async #leftovers(): Promise<string[]> {
    const lines = await this.#control.drain([...this.#queues]);
    return lines.map((line) => this.#labels.hide(line));
  }

  async #cut(letter: string): Promise<void> {
    const client = this.#clients.get(letter);
    if (client === undefined || client.state === 'closed') return;
    const { localPort } = client;
    client.cut();
    await client.waitFor(() => client.state === 'closed', ANSWER_BOUND_MS);
    await this.#target.forgets(localPort);
  }

  #leave(letter: string, channel: number): void {
    const client = this.#clients.get(letter);
    if (client?.state !== 'open' || client.channels.get(channel)?.state !== 'open') return;
    client.send(channel, 'channel.close', { replyCode: 200 });
  }

  async #settle(expected: readonly string[] | undefined): Promise<string[]> {
    const deadline = performance.now() + CONVERGENCE_BOUND_MS;
    for (let round = 0; ; round++) {
      const lines = await this.#look();
      // Waiting for what never comes is no drift: the node had its say in the first round.
      if (round === 0) this.#noteDrift();
      const done = expected === undefined ? round > 0 : sameLines(lines, expected) || performance.now() > deadline;
      if (done) {
        this.#pending.clear();
        this.#notes = [];
        return lines;
      }
      if (expected !== undefined) await delay(Math.min(2 ** round, 50));
    }
  }

  #noteDrift(): void {
    this.#driftMs = Math.max(this.#driftMs, performance.now() - this.#startedAt - this.#elapsedMs);
  }

  async #look(): Promise<string[]> {
    const late: string[] = [];
    await Promise.all(
      [...this.#clients].map(async ([letter, client]) => {
        if (!(await client.barrier(ANSWER_BOUND_MS))) late.push(`${letter} does not answer`);
      }),
    );
    const states = await this.#control.states([...this.#queues]);
    const lines: string[] = [];
    const letters = [...this.#clients.keys()].sort();
    for (const letter of letters) {
      const observed = [...(this.#pending.get(letter) ?? []), ...(this.#clients.get(letter)?.take() ?? [])];
      this.#pending.set(letter, observed);
      lines.push(...observationLines(letter, observed, (line) => this.#labels.hide(line)));
      for (const { seen } of observed) {
        const name = seen.name === 'queue.declare-ok' ? (seen.method?.text('queue') ?? '') : '';
        if (name !== '' && !isReplyAddress(name)) this.#queues.add(name);
      }
    }
    return [...lines, ...this.#notes, ...late, ...states.map((line) => this.#labels.hide(line))];
  }

  async #perform(written: Step): Promise<void> {
    const step = JSON.parse(this.#labels.reveal(JSON.stringify(written))) as Step;
    const { on = 'a1' } = step;
    const letter = on.slice(0, 1);
    const channel = Number(on.slice(1) || '0');
    for (const client of this.#clients.values()) client.step = this.#step;
    switch (step.do) {
      case 'basic.publish':
        return this.#publish(await this.#opened(letter, channel), channel, step);
      case 'settle':
        return this.#settleDelivery(await this.#opened(letter, channel), channel, step);
      case 'burst':
        for (const each of step.steps) await this.#perform({ on, ...each } as Step);
        return;
      case 'connect':
        this.#clients.get(letter)?.cut();
        await this.#connect(letter, step.options);
        return;
      case 'dial':
        this.#clients.set(letter, await ConformanceClient.dial(this.#target.port));
        return;
      case 'login':
        return this.#client(letter).login(step.options);
      case 'tune and open':
        return this.#client(letter).tuneAndOpen({ vhost: this.#target.vhost, ...step.options });
      case 'bytes':
        return this.#client(letter).bytes(Buffer.from(step.text, 'latin1'));
      case 'frame':
        (await this.#connection(letter)).frame(step.type, channel, Buffer.from(step.octets), step.end);
        return;
      case 'cut':
        return this.#cut(letter);
      case 'leave':
        return this.#leave(letter, channel);
      case 'wait':
        this.#elapsedMs += step.ms;
        return this.#target.pass(step.ms, this.#elapsedMs, this.#startedAt);
      case 'until': {
        const client = this.#client(letter);
        await client.waitFor(() => client.has(step.name) || client.state === 'closed', ANSWER_BOUND_MS);
        return;
      }
      case 'http':
        this.#notes.push(`http ${await this.#target.http(step.method, step.path, step.body)}`);
        return;
      case 'close connections':
        return this.#target.closeConnections(step.reason);
      case 'alarm':
        return this.#target.alarm(step.raised);
      case 'restart':
        await this.#target.restart();
        // What the broker said last is lost to a client that writes on before it has read it.
        for (const client of this.#clients.values()) {
          await client.waitFor(() => client.state === 'closed', ANSWER_BOUND_MS);
        }
        return;
      default:
        return this.#method(letter, channel, step);
    }
  }

  async #method(letter: string, channel: number, step: MethodStep): Promise<void> {
    const given = step.fields ?? {};
    const fields: Record<string, MethodValue> = {};
    for (const [name, value] of Object.entries(given)) fields[name] = methodValue(value);
    const name = String(fields['queue'] ?? '');
    if (step.do === 'queue.declare' && name !== '' && !isReplyAddress(name)) this.#queues.add(name);
    if (step.do === 'exchange.declare') this.#exchanges.add(String(fields['exchange']));
    const opensItself = channel === 0 || step.do === 'channel.open' || step.unopened === true;
    const client = await (opensItself ? this.#connection(letter) : this.#opened(letter, channel));
    client.send(channel, step.do, fields);
    if (step.do !== 'tx.commit') return;
    // RabbitMQ waits for its queues in the middle of a commit, and takes nothing else on that channel meanwhile.
    await client.waitFor(() => client.has('tx.commit-ok') || !client.channels.has(channel), ANSWER_BOUND_MS);
  }

  #publish(client: ConformanceClient, channel: number, step: PublishStep): void {
    const { exchange = '', routingKey = '', mandatory = false, immediate = false, body = `m${this.#step}` } = step;
    const properties: DecodedProperties = {};
    for (const [name, value] of Object.entries(step.properties ?? {})) {
      const key = name as keyof DecodedProperties;
      properties[key] = typeof value === 'object' ? tableOf(value) : value;
    }
    const bytes = typeof body === 'number' ? Buffer.alloc(body, 'x') : Buffer.from(body);
    client.send(channel, 'basic.publish', { exchange, routingKey, mandatory, immediate }, { properties, body: bytes });
  }

  #settleDelivery(client: ConformanceClient, channel: number, step: SettleStep): void {
    const open = client.channels.get(channel)?.unsettled ?? [];
    // What came in one step from several queues is put in an order that does not depend on which was first.
    const consumer = (each: OpenDelivery): string => this.#labels.hide(each.consumerTag);
    const ordered = [...open].sort((a, b) => a.step - b.step || compare(consumer(a), consumer(b)) || a.tag - b.tag);
    const picked = ordered[step.pick % ordered.length];
    if (picked === undefined) {
      this.#notes.push('nothing to settle');
      return;
    }
    const { multiple = false, requeue = false } = step;
    const newest = Math.max(...open.filter((each) => each.step === picked.step).map((each) => each.tag));
    client.send(channel, step.by, { deliveryTag: multiple ? newest : picked.tag, multiple, requeue });
  }

  #client(letter: string): ConformanceClient {
    const client = this.#clients.get(letter);
    if (client === undefined) throw new Error(`expected a step that dials ${letter} first, received none`);
    return client;
  }

  async #opened(letter: string, channel: number): Promise<ConformanceClient> {
    const client = await this.#connection(letter);
    if (client.state !== 'open' || client.channels.has(channel)) return client;
    client.send(channel, 'channel.open');
    // Else an error of the whole connection may overtake the answer.
    await client.waitFor(() => client.channels.get(channel)?.state !== 'opening', ANSWER_BOUND_MS);
    return client;
  }

  async #connection(letter: string): Promise<ConformanceClient> {
    const client = this.#clients.get(letter);
    if (client !== undefined && client.state !== 'closed') return client;
    return this.#connect(letter, {});
  }

  async #connect(letter: string, options: LoginOptions): Promise<ConformanceClient> {
    const login = { vhost: this.#target.vhost, ...options };
    const previous = this.#clients.get(letter)?.take() ?? [];
    const client = await ConformanceClient.connect(this.#target.port, login, ANSWER_BOUND_MS);
    client.step = this.#step;
    this.#pending.set(letter, [...(this.#pending.get(letter) ?? []), ...previous]);
    this.#clients.set(letter, client);
    return client;
  }
}

/** What direct replies go by is no queue that can be looked into. */
function isReplyAddress(name: string): boolean {
  return name.startsWith('amq.rabbitmq.reply-to');
}

/**
 * How every program ends: its channels close one after the other, the last of each connection by a cut. Cut all at once it
 * would be a race which of them gives back first what it held.
 */
function farewells(steps: readonly Step[]): Step[] {
  const places = [...new Set(steps.map(({ on = 'a1' }) => on))].sort().reverse();
  const letters = [...new Set(places.map((on) => on.slice(0, 1)))].sort();
  return letters.flatMap((letter): Step[] => {
    const channels = places.filter((on) => on.startsWith(letter) && on !== letter);
    return [...channels.slice(0, -1).map((on): Step => ({ do: 'leave', on })), { do: 'cut', on: letter }];
  });
}

function methodValue(value: Plain): MethodValue {
  if (typeof value === 'string') return Buffer.from(value, 'utf8').toString('latin1');
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return tableOf(value as { readonly [key: string]: Plain });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether two observations are equal. */
export function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => line === b[i]);
}
