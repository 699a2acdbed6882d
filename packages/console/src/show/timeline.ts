import type { Failure, ParkedMessage } from '@leveret/operations';
import type { TimelineJson } from '../contract/contract.js';

/** What a message has been through, as far as it says: from its publish to where it is parked. */
export function timelineOf({
  queue,
  message,
  failure,
}: Pick<ParkedMessage, 'queue' | 'message' | 'failure'>): readonly TimelineJson[] {
  const { attempts, redeliveries, firstFailedAt, lastFailedAt, deaths, listener } = failure;
  const line: TimelineJson[] = [...published(message, failure), ...sentBackBefore(message)];
  if (attempts !== undefined || firstFailedAt !== undefined) {
    const calls =
      attempts === undefined
        ? undefined
        : `${attempts} ${attempts === 1 ? 'call' : 'calls'} of ${listener ?? 'the handler'}`;
    line.push({ at: firstFailedAt, what: 'attempts', where: failure.queue, detail: calls });
  }
  if (redeliveries !== undefined && redeliveries > 0) {
    line.push({
      what: 'redelivered',
      where: failure.queue,
      detail: `${redeliveries} times after a wait at the broker`,
    });
  }
  for (const death of deaths.toReversed()) {
    const times = death.count > 1 ? `, ${death.count} times` : '';
    line.push({ at: death.at, what: 'dead-lettered', where: death.queue, detail: `${death.reason}${times}` });
  }
  line.push({ at: lastFailedAt, what: 'parked', where: queue, detail: failure.reason });
  return line;
}

function published(
  { timestamp }: ParkedMessage['message'],
  { exchange, routingKey, deaths }: Failure,
): readonly TimelineJson[] {
  const origin = exchange ?? deaths.at(-1)?.exchange;
  if (origin === undefined && timestamp === undefined) return [];
  const at = timestamp === undefined ? undefined : timestamp * 1000;
  return [{ at, what: 'published', where: origin === '' ? 'the default exchange' : origin, detail: routingKey }];
}

function sentBackBefore({ headers }: ParkedMessage['message']): readonly TimelineJson[] {
  const [edit, retry] = [headers['x-leveret-edit-of'], headers['x-leveret-retry-of']];
  return [
    ...(typeof edit === 'string' ? [{ what: 'edited' as const, detail: `of ${edit}` }] : []),
    ...(typeof retry === 'string' ? [{ what: 'retried' as const, detail: `parked before as ${retry}` }] : []),
  ];
}
