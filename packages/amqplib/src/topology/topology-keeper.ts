import {
  type BindingDeclaration,
  type Clock,
  type ConnectionEvent,
  type ConnectionRole,
  LeveretError,
  type Topology,
} from '@leveret/core';
import type { Link } from '../connection/link.js';
import { asError } from '../errors/broker-reply.js';
import { type DeclareReport, declareTopology, topologyOfQueue } from './declare-topology.js';

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
  readonly #said = new Set<string>();

  constructor(mismatch: 'fail' | 'warn', emit: (event: ConnectionEvent) => void, clock: Clock) {
    this.#mismatch = mismatch;
    this.#emit = emit;
    this.#clock = clock;
  }

  /** Whether a queue is part of the topology. */
  declares(queue: string): boolean {
    return this.#topology.queues.some(({ name }) => name === queue);
  }

  /**
   * Adds to the topology, and declares the addition at once when there is a connection. What the broker refused is not
   * added, so that it cannot stop the next connection.
   * @throws {LeveretError} LEV_TOPOLOGY_MISMATCH, LEV_TOPOLOGY_REFUSED
   */
  async add(topology: Topology, link: Link | undefined, role: ConnectionRole): Promise<void> {
    if (link !== undefined) await this.#declare(topology, link, role, true);
    this.#topology = mergeTopologies(this.#topology, topology);
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
    if (topology === undefined) return;
    try {
      await this.#declare(topology, link, 'consume', false);
    } catch (error) {
      if (!link.ended) this.#emit({ type: 'declare-failed', role: 'consume', error: asError(error), fatal: false });
    }
  }

  async #declare(topology: Topology, link: Link, role: ConnectionRole, strict: boolean): Promise<void> {
    const report = await declareTopology(link, topology, role === 'consume', this.#clock);
    this.#tell(report, role, strict);
    const fatal = report.failures.find((failure) => strict && this.#isFatal(failure));
    if (fatal !== undefined) throw fatal;
  }

  #tell(report: DeclareReport, role: ConnectionRole, strict: boolean): void {
    for (const text of report.notices) if (this.#isNews(text)) this.#emit({ type: 'notice', text });
    for (const error of report.failures) {
      const fatal = strict && this.#isFatal(error);
      if (this.#isNews(error.message) || fatal) this.#emit({ type: 'declare-failed', role, error, fatal });
    }
  }

  #isNews(text: string): boolean {
    if (this.#said.has(text)) return false;
    this.#said.add(text);
    return true;
  }

  #isFatal(failure: LeveretError): boolean {
    return failure.code === 'LEV_TOPOLOGY_REFUSED' || this.#mismatch === 'fail';
  }
}

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
