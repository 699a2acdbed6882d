import { type BindingDeclaration, type Clock, type Topology, within } from '@leveret/core';
import type { Link } from '../connection/link.js';
import { type DeclareReport, Declarer } from './declarer.js';

/** As much as the broker answered soon. */
export interface EarlyReport extends DeclareReport {
  /** What was still unanswered when all the rest was declared. */
  readonly late: readonly LatePart[];
}

/** A part that the broker has not answered yet. It stays asked: the answer comes when its node or majority is back. */
export interface LatePart {
  readonly part: Topology;
  /** Rejects when the connection ends first. */
  readonly answered: Promise<DeclareReport>;
}

/** How long a declaration may hold up those behind it. RabbitMQ 4.3 never answers for a classic queue whose node is down. */
const HOLD_UP_MS = 1000;
/** How many channels take over from one that is held up: where one node is down, many queues may be. */
const LANES = 8;

/**
 * Declares exchanges, then queues with their bindings, then other bindings, on a channel that is thrown away. A refusal
 * closes the channel on the broker's side: the rest goes on on a new one. What is not answered within a second goes on
 * alone, and the rest beside it.
 * @param exclusive exclusive queues and their bindings are declared too: only the connection that consumes them may
 * @throws {LeveretError} LEV_TOPOLOGY_REFUSED when the broker closed the connection because of a declaration
 * @throws {Error} when the connection ended for another reason
 */
export async function declareTopology(
  link: Link,
  topology: Topology,
  exclusive: boolean,
  clock: Clock,
): Promise<EarlyReport> {
  const early: DeclareReport[] = [];
  const late: LatePart[] = [];
  for (const parts of inPhases(topology, exclusive)) await declareParts(parts);
  return { ...mergeReports(early), late };

  async function declareParts(parts: readonly Topology[]): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      const declarer = new Declarer(link);
      for (let part = parts[next++]; part !== undefined; part = parts[next++]) {
        const answered = declarer.declare(part);
        const report = await within<DeclareReport, undefined>(clock, HOLD_UP_MS, answered, () => undefined);
        if (report === undefined) {
          const settled = answered.finally(() => declarer.done());
          // When the connection ends before all the rest is declared, nobody is told of this part, and nobody listens.
          settled.catch(() => {});
          late.push({ part, answered: settled });
          await Promise.all(Array.from({ length: LANES }, lane));
          return;
        }
        early.push(report);
      }
      declarer.done();
    };
    await lane();
  }
}

/** The part of a topology that one queue needs: itself, its bindings, and the exchanges these come from. */
export function topologyOfQueue(topology: Topology, name: string): Topology | undefined {
  const queues = topology.queues.filter((queue) => queue.name === name);
  if (queues.length === 0) return undefined;
  const bindings = topology.bindings.filter(isTo(name));
  const sources = new Set(bindings.map((binding) => binding.source));
  return {
    exchanges: topology.exchanges.filter((exchange) => sources.has(exchange.name)),
    queues,
    bindings,
    policies: [],
  };
}

/** What may be declared at the same time, and after what: exchanges first, then each queue with its bindings, then the rest. */
export function inPhases(topology: Topology, exclusive: boolean): readonly (readonly Topology[])[] {
  const own = new Set(topology.queues.map(({ name }) => name));
  const isOfQueue = (binding: BindingDeclaration) =>
    binding.destinationType === 'queue' && own.has(binding.destination);
  return [
    topology.exchanges.map((exchange) => ({ ...NOTHING, exchanges: [exchange] })),
    topology.queues
      .filter((queue) => exclusive || !queue.exclusive)
      .map((queue) => ({ ...NOTHING, queues: [queue], bindings: topology.bindings.filter(isTo(queue.name)) })),
    topology.bindings.filter((binding) => !isOfQueue(binding)).map((binding) => ({ ...NOTHING, bindings: [binding] })),
  ];
}

/** Several reports as one. */
export function mergeReports(reports: readonly DeclareReport[]): DeclareReport {
  return {
    failures: reports.flatMap(({ failures }) => failures),
    asDeclared: reports.flatMap(({ asDeclared }) => asDeclared),
    notices: reports.flatMap(({ notices }) => notices),
    unavailable: reports.flatMap(({ unavailable }) => unavailable),
  };
}

const NOTHING: Topology = { exchanges: [], queues: [], bindings: [], policies: [] };

function isTo(queue: string): (binding: BindingDeclaration) => boolean {
  return ({ destinationType, destination }) => destinationType === 'queue' && destination === queue;
}
