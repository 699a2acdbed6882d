import type { Problems } from '../errors/configuration-error.js';
import type { TopologyWarning } from '../topology/topology-warnings.js';
import { consumesStream } from './check-stream.js';
import type { ListenerDefinition } from './listener-definition.js';

/** Before a person looks, a supervisor has started a process that ends over and over at least as often. */
const UNATTENDED_CRASHES = 4;

/** Notes where a message that ends the process cannot be told, and what is lost beside it. */
export function checkCrashLoop(definition: ListenerDefinition, problems: Problems): readonly TopologyWarning[] {
  const { id, crashLoop, acknowledge } = definition;
  if (crashLoop !== undefined && acknowledge === 'none') {
    problems.add("crashLoop does not go with acknowledge: 'none': no message ever comes again. Use 'auto'");
  }
  if (crashLoop !== undefined && consumesStream(definition)) {
    problems.add('crashLoop does not go with a stream: its messages come again without a sign of it');
  }
  const warnings: TopologyWarning[] = [];
  if (crashLoop !== undefined && crashLoop.store === undefined) {
    const counted = definition.queueDeclaration?.type === 'quorum';
    const rest = counted
      ? 'What its quorum queue has counted twice runs alone, and the delivery limit of the queue decides'
      : 'It would come again and again';
    warnings.push({
      kind: 'crash-loop-unknowable',
      text: `Listener ${id}: crashLoop cannot know which message the process ended with, as nothing that it remembers outlives the process. ${rest}. Give crashLoop.store, or idempotency.store to the application: in Redis or in a database.`,
    });
  }
  return [...warnings, ...checkDeliveryLimit(definition)];
}

/** A quorum queue counts what was fetched and never begun as well: what a few ends of a process cost may be more than it allows. */
function checkDeliveryLimit(definition: ListenerDefinition): readonly TopologyWarning[] {
  const { id, queueDeclaration, prefetch, concurrency, retry, crashLoop, queue } = definition;
  const limit = queueDeclaration?.arguments['x-delivery-limit'];
  if (queueDeclaration?.type !== 'quorum' || typeof limit !== 'number' || limit < 0) return [];
  const fetched = prefetch === 0 ? Number.POSITIVE_INFINITY : prefetch * concurrency;
  const own = retry?.stateless === false ? retry.maxAttempts - 1 : 0;
  const crashes = fetched > 1 ? (crashLoop?.after ?? UNATTENDED_CRASHES) : 0;
  if (limit >= own + crashes) return [];
  const innocents = Number.isFinite(fetched) ? `the ${fetched} messages` : 'all messages';
  const parts = [
    own > 0 ? `its own attempts cost ${own}` : [],
    crashes > 0
      ? `${crashes} ends of a process, over one bad message, cost ${innocents} that it may have fetched one each time, begun or not`
      : [],
  ];
  return [
    {
      kind: 'delivery-limit-too-low',
      text: `Listener ${id}: quorum queue ${queue} has a delivery limit of ${limit}, but ${parts.flat().join(', and ')}. Beyond the limit they are dead-lettered or dropped, without any handler having seen them. Raise deliveryLimit to ${own + crashes} or more${crashLoop === undefined ? ', set crashLoop,' : ''} or lower prefetch.`,
    },
  ];
}
