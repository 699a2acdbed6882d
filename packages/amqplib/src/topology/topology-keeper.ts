import {
  type BackoffPolicy,
  type BindingDeclaration,
  backoffDelayMs,
  type Clock,
  type ConnectionEvent,
  type ConnectionRole,
  type DeclareOptions,
  pause,
  type Topology,
  type Unanswered,
  within,
} from '@leveret/core';
import type { Link } from '../connection/link.js';
import { titleOfPart, unansweredError } from './declaration-error.js';
import { declareTopology, type EarlyReport, type LatePart, mergeReports, topologyOfQueue } from './declare-topology.js';
import type { DeclareFailure, DeclareReport } from './declarer.js';

const DELAYED = 'x-delayed-message';
const EMPTY: Topology = { exchanges: [], queues: [], bindings: [], policies: [] };

/**
 * Remembers what is declared, declares it on every new connection, and says what the broker refused and what was declared
 * differently: each once, not again with every connection.
 */
export class TopologyKeeper {
  readonly #mismatch: 'fail' | 'warn';
  readonly #emit: (event: ConnectionEvent) => void;
  readonly #clock: Clock;
  #topology: Topology = EMPTY;
  #canWait: NonNullable<DeclareOptions['canWait']> = () => false;
  #delayed: ReadonlySet<string> = new Set();
  readonly #said = new Set<string>();
  readonly #asDeclared = new Set<string>();
  /** Declarations without an answer, and since when. */
  readonly #unanswered = new Map<LatePart, number>();

  constructor(mismatch: 'fail' | 'warn', emit: (event: ConnectionEvent) => void, clock: Clock) {
    this.#mismatch = mismatch;
    this.#emit = emit;
    this.#clock = clock;
  }

  /** Whether a queue is part of the topology. */
  declares(queue: string): boolean {
    return this.#topology.queues.some(({ name }) => name === queue);
  }

  /** Whether a queue of the topology is for the connection alone that declares it. */
  isExclusive(queue: string): boolean {
    return this.#topology.queues.some(({ name, exclusive }) => name === queue && exclusive);
  }

  /** Whether a queue of the topology is as it is declared there, as far as the broker has said. */
  isAsDeclared(queue: string): boolean {
    return this.#asDeclared.has(queue);
  }

  /** Whether an exchange of the topology holds messages back (`x-delayed-message`). */
  delays(exchange: string): boolean {
    return this.#delayed.has(exchange);
  }

  /** Declarations that the broker has not answered. */
  unanswered(): readonly Unanswered[] {
    const now = this.#clock.monotonic();
    return [...this.#unanswered].map(([{ part }, since]) => ({
      kind: 'declare',
      name: titleOfPart(part),
      forMs: now - since,
    }));
  }

  /**
   * Adds to the topology, and declares the addition at once when there is a connection. What the broker refused is not
   * added, so that it cannot stop the next connection.
   * @throws {LeveretError} LEV_TOPOLOGY_MISMATCH, LEV_TOPOLOGY_REFUSED
   */
  async add(
    topology: Topology,
    { canWait }: DeclareOptions,
    link: Link | undefined,
    role: ConnectionRole,
  ): Promise<void> {
    if (canWait !== undefined) this.#canWait = canWait;
    if (link !== undefined) await this.#declare(topology, link, role, true);
    this.#topology = mergeTopologies(this.#topology, topology);
    this.#delayed = new Set(this.#topology.exchanges.filter(({ type }) => type === DELAYED).map(({ name }) => name));
  }

  /**
   * Declares everything on a new connection.
   * @param starting what is refused stops the start (a mismatch only with `mismatch: 'fail'`)
   * @throws {LeveretError} LEV_TOPOLOGY_MISMATCH, LEV_TOPOLOGY_REFUSED
   */
  async declareAll(link: Link, role: ConnectionRole, starting: boolean): Promise<void> {
    let declared = EMPTY;
    // Something may be added while it declares.
    while (declared !== this.#topology) {
      declared = this.#topology;
      await this.#declare(declared, link, role, starting);
    }
  }

  /** Declares one queue again, with its bindings and their exchanges. Never rejects. */
  async redeclare(queue: string, link: Link): Promise<void> {
    const topology = topologyOfQueue(this.#topology, queue);
    if (topology !== undefined) await this.#declare(topology, link, 'consume', false).catch(ignoreEnd);
  }

  /** Waits for what the broker answers soon; when starting, for all of it, within bounds. */
  async #declare(topology: Topology, link: Link, role: ConnectionRole, strict: boolean): Promise<void> {
    const { late, ...early } = await this.#ask(topology, link, role);
    const needed = late.filter(({ part }) => strict && !this.#waitsFor(part));
    const answers = await Promise.all(needed.map((each) => this.#inTime(each, link, role)));
    const report = mergeReports([early, ...answers]);
    this.#tell(report, role, strict);
    const fatal = report.failures.find((failure) => strict && this.#isFatal(failure));
    if (fatal !== undefined) throw fatal.error;
    this.#tryAgain(report.unavailable, link, role);
    for (const each of late) {
      if (needed.includes(each)) continue;
      this.#inTime(each, link, role).then((answered) => this.#answeredLate(answered, link, role), ignoreEnd);
    }
  }

  async #ask(topology: Topology, link: Link, role: ConnectionRole): Promise<EarlyReport> {
    const since = this.#clock.monotonic();
    const report = await declareTopology(link, topology, role === 'consume', this.#clock);
    for (const each of report.late) {
      this.#unanswered.set(each, since);
      const answered = () => void this.#unanswered.delete(each);
      each.answered.then(answered, answered);
    }
    return report;
  }

  /** The answer, or within 10 s that there is none; then it is told when it comes. */
  #inTime({ part, answered }: LatePart, link: Link, role: ConnectionRole): Promise<DeclareReport> {
    return within(this.#clock, ANSWER_MS, answered, () => {
      const error = unansweredError(part, ANSWER_MS);
      answered.then((report) => {
        this.#said.delete(error.message);
        this.#answeredLate(report, link, role);
      }, ignoreEnd);
      return { failures: [{ error, part }], asDeclared: [], notices: [], unavailable: [] };
    });
  }

  #answeredLate(report: DeclareReport, link: Link, role: ConnectionRole): void {
    this.#tell(report, role, false);
    this.#tryAgain(report.unavailable, link, role);
  }

  /** What cannot be had now is asked for again, beside everything else, for as long as the connection lasts. */
  #tryAgain(parts: readonly Topology[], link: Link, role: ConnectionRole): void {
    for (const part of parts) this.#untilDeclared(part, link, role).catch(ignoreEnd);
  }

  async #untilDeclared(part: Topology, link: Link, role: ConnectionRole): Promise<void> {
    const ended = new AbortController();
    const stopListening = link.onEnd(() => ended.abort());
    for (let attempt = 1; ; attempt++) {
      if ((await pause(this.#clock, backoffDelayMs(AGAIN, attempt), ended.signal)) === 'aborted') return;
      const { late, ...early } = await this.#ask(part, link, role);
      const report = mergeReports([early, ...(await Promise.all(late.map(({ answered }) => answered)))]);
      this.#tell(report, role, false);
      if (report.unavailable.length === 0) break;
    }
    stopListening();
  }

  #tell(report: DeclareReport, role: ConnectionRole, strict: boolean): void {
    for (const queue of report.asDeclared) this.#asDeclared.add(queue);
    for (const text of report.notices) if (this.#isNews(text)) this.#emit({ type: 'notice', text });
    for (const failure of report.failures) {
      const { error, part } = failure;
      if (error.code === 'LEV_TOPOLOGY_MISMATCH') for (const { name } of part.queues) this.#asDeclared.delete(name);
      const fatal = strict && this.#isFatal(failure);
      if (this.#isNews(error.message) || fatal) this.#emit({ type: 'declare-failed', role, error, fatal });
    }
  }

  #isNews(text: string): boolean {
    if (this.#said.has(text)) return false;
    this.#said.add(text);
    return true;
  }

  #isFatal({ error, part }: DeclareFailure): boolean {
    switch (error.code) {
      case 'LEV_TOPOLOGY_MISMATCH':
        return this.#mismatch === 'fail';
      case 'LEV_TOPOLOGY_UNAVAILABLE':
        return !this.#waitsFor(part);
      default:
        return true;
    }
  }

  #waitsFor(part: Topology): boolean {
    return this.#canWait(part.queues[0]?.name);
  }
}

/** Quorum queues on a busy cluster need seconds to be declared. */
const ANSWER_MS = 10_000;

const AGAIN: BackoffPolicy = { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.2 };

/** The end of the connection is told by the connection, and the next one declares everything anew. */
function ignoreEnd(): void {}

/** The first topology with what the second adds; where both declare the same name, the second wins. */
export function mergeTopologies(first: Topology, second: Topology): Topology {
  return {
    exchanges: mergeBy(first.exchanges, second.exchanges, ({ name }) => name),
    queues: mergeBy(first.queues, second.queues, ({ name }) => name),
    bindings: mergeBy(first.bindings, second.bindings, bindingKey),
    policies: mergeBy(first.policies, second.policies, ({ name }) => name),
  };
}

function mergeBy<T>(first: readonly T[], second: readonly T[], key: (item: T) => string): readonly T[] {
  const merged = new Map(first.map((item) => [key(item), item]));
  for (const item of second) merged.set(key(item), item);
  return [...merged.values()];
}

function bindingKey(binding: BindingDeclaration): string {
  const { source, destination, destinationType, routingKey } = binding;
  return JSON.stringify([source, destinationType, destination, routingKey, binding.arguments]);
}
