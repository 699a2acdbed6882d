import { brokerReply } from '../errors/broker-reply.js';

/** What a consumer was about when its connection ended. */
export interface ConsumerAtEnd {
  readonly queue: string;
  /** Number of its channel. */
  readonly channel: number | undefined;
  /** `basic.consume` was sent and not answered. */
  readonly isAsking: boolean;
}

/** How a connection ended, as far as it was not just lost. */
export interface ConnectionFault {
  readonly error: Error | undefined;
  /** The channel whose frame could not be taken. */
  readonly channel: number | undefined;
}

/** A normal close, and a close by an operator or for a shutdown: nobody is to blame. */
const HARMLESS = new Set([200, 320]);
const QUEUE = /queue '([^']*)' in vhost/;

/**
 * Queues whose consumers may be why a connection ended: the one whose frame could not be taken; else, when the broker closed
 * it for a fault, the one that it names, or those that asked to consume and had no answer. None for a connection that was
 * lost in any other way.
 */
export function suspectsOf(
  { error, channel }: ConnectionFault,
  consumers: readonly ConsumerAtEnd[],
): readonly string[] {
  return [...new Set(guilty(error, channel, consumers).map(({ queue }) => queue))];
}

function guilty(
  error: Error | undefined,
  channel: number | undefined,
  consumers: readonly ConsumerAtEnd[],
): readonly ConsumerAtEnd[] {
  if (channel !== undefined) return consumers.filter((consumer) => consumer.channel === channel);
  const reply = brokerReply(error);
  if (reply === undefined || HARMLESS.has(reply.code)) return [];
  const named = QUEUE.exec(reply.text)?.[1];
  const ofNamed = consumers.filter(({ queue }) => queue === named);
  return ofNamed.length > 0 ? ofNamed : consumers.filter(({ isAsking }) => isAsking);
}
