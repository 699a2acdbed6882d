import type { Observed } from '../wire/client.js';
import { describeSeen } from '../wire/seen.js';

/**
 * What one connection saw during a step, as lines that two brokers can be compared by. Order is kept wherever AMQP keeps
 * it. Within one step and channel four streams may overtake each other, so each is shown by itself:
 *
 * | stream | why |
 * |---|---|
 * | answers to methods, and closes | in order |
 * | returns | in order; that they come before their confirm is checked as a law |
 * | deliveries and the cancel of each consumer | in order; queues are processes of their own, so consumers race each other |
 * | confirms | as two sets of publishes: how they are grouped and ordered is the broker's choice |
 *
 * Where deliveries come from several queues their tags depend on that race and are left out; that the tags of a channel
 * count up without a gap is a law.
 */
export function observationLines(
  letter: string,
  observed: readonly Observed[],
  hide: (line: string) => string,
): string[] {
  const channels = new Map<number, Observed[]>();
  for (const each of observed) {
    const list = channels.get(each.seen.channel);
    if (list === undefined) channels.set(each.seen.channel, [each]);
    else list.push(each);
  }
  const numbers = [...channels.keys()].sort((a, b) => a - b);
  return numbers.flatMap((number) => {
    const lines = channelLines(channels.get(number) ?? [], hide);
    return lines.map((line) => `${letter}${number} ${line}`);
  });
}

function channelLines(observed: readonly Observed[], hide: (line: string) => string): string[] {
  const answers: string[] = [];
  const returns: string[] = [];
  const consumers = new Map<string, string[]>();
  const acked: number[] = [];
  const nacked: number[] = [];
  const laws: string[] = [];
  const tagsAreOpen = new Set(observed.flatMap(({ queue }) => (queue === undefined ? [] : [queue]))).size > 1;
  for (const each of observed) {
    const { seen, confirms } = each;
    laws.push(...each.laws);
    if (confirms !== undefined) {
      (seen.name === 'basic.ack' ? acked : nacked).push(...confirms);
      continue;
    }
    const text = hide(describeSeen(seen));
    const line =
      tagsAreOpen && /^basic\.(deliver|get-ok)/.test(text) ? text.replace(/deliveryTag=\d+/, 'deliveryTag=*') : text;
    if (seen.name === 'basic.return') returns.push(line);
    else if (seen.name === 'basic.deliver' || seen.name === 'basic.cancel') {
      const tag = hide(seen.method?.text('consumerTag') ?? '');
      consumers.set(tag, [...(consumers.get(tag) ?? []), line]);
    } else answers.push(line);
  }
  const sets = [
    ...(acked.length > 0 ? [`confirmed by ack: ${sorted(acked)}`] : []),
    ...(nacked.length > 0 ? [`confirmed by nack: ${sorted(nacked)}`] : []),
  ];
  const deliveries = [...consumers].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, lines]) => lines);
  return [...answers, ...returns, ...deliveries, ...sets, ...laws.map(hide)];
}

function sorted(tags: readonly number[]): string {
  return [...tags].sort((a, b) => a - b).join(' ');
}
