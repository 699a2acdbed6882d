import { LeveretError, type Publication } from '@leveret/core';
import type { PublicationSender } from '../relay/relay-stream.js';

/** What a sender does with one message: nothing is a confirm. */
export type Answer = undefined | Error | Promise<unknown>;

/** A broker that answers as it is told, and remembers what it got. */
export class FakeSender implements PublicationSender {
  readonly sent: Publication[] = [];
  answer: (publication: Publication, times: number) => Answer = () => undefined;

  /** Bodies in the order they came. */
  get bodies(): string[] {
    return this.sent.map(({ body }) => body.toString());
  }

  async send(publication: Publication): Promise<void> {
    this.sent.push(publication);
    const times = this.sent.filter(
      ({ properties }) => properties.messageId === publication.properties.messageId,
    ).length;
    const answer = await this.answer(publication, times);
    if (answer instanceof Error) throw answer;
  }
}

export const nacked = () => new LeveretError('LEV_PUBLISH_NACKED', 'the queue is full');
export const offline = () => new LeveretError('LEV_PUBLISH_NOT_CONNECTED', 'no connection');
