import { confirms } from './confirms.js';
import { connections } from './connections.js';
import { consumerTimeouts } from './consumer-timeouts.js';
import { contents } from './contents.js';
import { deadLetters } from './dead-letters.js';
import { delivery } from './delivery.js';
import { exchanges } from './exchanges.js';
import { kindsOfQueues } from './kinds-of-queues.js';
import { queueArguments } from './queue-arguments.js';
import { queues } from './queues.js';
import { quorumQueues } from './quorum-queues.js';
import { routing } from './routing.js';
import type { Scenario } from './scenario.js';
import { wholeNode } from './whole-node.js';

/** Every scenario, by the stage of a message's way. */
export const suite: readonly Scenario[] = [
  ...connections,
  ...exchanges,
  ...routing,
  ...queues,
  ...queueArguments,
  ...delivery,
  ...confirms,
  ...consumerTimeouts,
  ...contents,
  ...deadLetters,
  ...kindsOfQueues,
  ...quorumQueues,
  ...wholeNode,
];
