import type { Message, VerbatimHeader } from '../message/message.js';
import type { WaitRecord } from '../message/wait-record.js';
import type { Delivery } from '../transport/transport.js';
import { delayTarget, isDelayHeader } from './levels.js';
import { readWaitRecord } from './waiting-copy.js';
import { cameBack } from './waiting-room.js';

/** A message as it is to be seen, and what is known of one that has waited for its redelivery. */
interface Arrival {
  readonly message: Message;
  readonly record?: WaitRecord;
}

/**
 * Takes off a message what it has gathered where it waited: one that comes back is again what it first was, one that was
 * published with a delay is as if it came straight from its publisher. Answers `undefined` for all others, which are as they
 * should be. That it came back goes by the exchange, which the broker says, never by a header, which anybody can write.
 */
function arrivalOf(message: Message): Arrival | undefined {
  if (cameBack(message.exchange)) return readWaitRecord(message);
  return delayTarget(message.headers) !== undefined ? { message: withoutDelay(message) } : undefined;
}

/** The delivery with its message as it is to be seen, before anything else sees it. */
export function asItCame(delivery: Delivery): Delivery {
  const arrival = arrivalOf(delivery.message);
  return arrival === undefined ? delivery : { ...delivery, message: arrival.message, waited: arrival.record };
}

function withoutDelay(message: Message): Message {
  const { headers, verbatim } = message;
  const deaths = otherDeaths(headers['x-death']);
  const isOfTheWait = (name: string) => isDelayHeader(name) || (deaths === undefined && DEATH.test(name));
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !isOfTheWait(name)));
  if (deaths !== undefined) kept['x-death'] = deaths;
  if (verbatim === undefined) return { ...message, headers: kept };
  const exact = verbatim.headers.filter(({ name }: VerbatimHeader) => !isOfTheWait(name));
  return { ...message, headers: kept, verbatim: { ...verbatim, headers: exact } };
}

const DEATH = /^x-(?:death|(?:first|last)-death-(?:queue|reason|exchange))$/;

/** What the message died of elsewhere; `undefined` when there is nothing of that. */
function otherDeaths(deaths: unknown): readonly unknown[] | undefined {
  if (!Array.isArray(deaths)) return undefined;
  const others = deaths.filter((death: unknown) => {
    const queue = (death as { queue?: unknown } | null)?.queue;
    return typeof queue !== 'string' || !queue.startsWith('leveret.');
  });
  return others.length === 0 ? undefined : others;
}
