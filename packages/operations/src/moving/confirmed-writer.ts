import { publishOn } from '@leveret/amqplib';
import { type Clock, LeveretError, type Publication, type PublishChannel, within } from '@leveret/core';

const CONFIRM_MS = 30_000;

/** Publishes messages so that each is with the broker, in a queue, before anything else happens to its original. */
export class ConfirmedWriter {
  readonly #channel: PublishChannel;
  readonly #clock: Clock;

  constructor(channel: PublishChannel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
  }

  /**
   * Resolves when the broker has the message in every queue it is routed to.
   * @throws {LeveretError} LEV_PUBLISH_NACKED, LEV_PUBLISH_UNROUTABLE, LEV_PUBLISH_EXCHANGE_MISSING, LEV_PUBLISH_REFUSED,
   * LEV_PUBLISH_CHANNEL_LOST, LEV_PUBLISH_CONFIRM_TIMEOUT, LEV_PUBLISH_UNENCODABLE
   */
  async send(publication: Publication): Promise<void> {
    const to = placeText(publication);
    const late = (): never => {
      const text = `${to} was not confirmed within ${CONFIRM_MS} ms: whether the broker has the message is not known. Is it blocked by an alarm?`;
      throw new LeveretError('LEV_PUBLISH_CONFIRM_TIMEOUT', text);
    };
    const outcome = await within(this.#clock, CONFIRM_MS, this.#publish(publication, to), late);
    if (outcome.kind === 'ack' && outcome.returned === undefined) return;
    if (outcome.kind === 'lost') throw lost(outcome.closed, to);
    if (outcome.kind === 'nack') {
      throw new LeveretError(
        'LEV_PUBLISH_NACKED',
        `${to} was refused by the broker: the queue is full, or has failed.`,
      );
    }
    const code = outcome.returned?.replyText ?? 'NO_ROUTE';
    throw new LeveretError('LEV_PUBLISH_UNROUTABLE', `${to} was returned (${code}): no such queue is there.`);
  }

  /** Resolves when there is room for more. */
  drained(): Promise<void> {
    return this.#channel.drained();
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.#channel.close();
  }

  async #publish(publication: Publication, to: string) {
    try {
      return await publishOn(this.#channel, publication);
    } catch (error) {
      const text = `${to} cannot be written as AMQP: ${error instanceof Error ? error.message : String(error)}`;
      throw new LeveretError('LEV_PUBLISH_UNENCODABLE', text, { cause: error });
    }
  }
}

type Ended = Parameters<Parameters<PublishChannel['onEnd']>[0]>[0];

function lost(end: Ended, to: string): LeveretError {
  if (end.kind !== 'channel-error') {
    const text = `The connection was lost before ${to} was confirmed: whether the broker has the message is not known.`;
    return new LeveretError('LEV_PUBLISH_CHANNEL_LOST', text);
  }
  const code = end.replyCode === 404 ? 'LEV_PUBLISH_EXCHANGE_MISSING' : 'LEV_PUBLISH_REFUSED';
  return new LeveretError(code, `${to} was refused: ${end.replyCode} ${end.replyText}`, { cause: end.error });
}

function placeText({ exchange, routingKey, properties }: Publication): string {
  const where = exchange === '' ? `queue ${JSON.stringify(routingKey)}` : `exchange ${JSON.stringify(exchange)}`;
  const id = properties.messageId === undefined ? '' : ` ${JSON.stringify(properties.messageId)}`;
  return `The message${id} for ${where}`;
}
