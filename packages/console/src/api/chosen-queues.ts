import type { ErrorQueueList } from '../broker/error-queue-list.js';
import { ConsoleFault } from '../http/console-fault.js';

/**
 * The queues that a request names, else all that the console shows. Others are none of its business: who may read the page may not
 * take the messages of a service in hand.
 * @throws {ConsoleFault} 404 for a queue that the console does not show
 */
export async function chosenQueues(
  list: ErrorQueueList,
  named: readonly string[] | undefined,
): Promise<readonly string[]> {
  const known = await list.names();
  if (named === undefined || named.length === 0) return known;
  const other = named.find((queue) => !known.includes(queue));
  if (other === undefined) return [...new Set(named)];
  const text = `Queue ${JSON.stringify(other)} is none of the error queues that this console shows.`;
  throw new ConsoleFault(404, 'LEV_QUEUE_MISSING', text);
}
