import { expect } from 'chai';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { Message } from '../message/message.js';
import { aDelivery, RecordingChannel } from '../transport/delivery.support.test.js';
import { ListenerHarness, type ListenerParts } from './listener-harness.support.test.js';
import { DeliveryProcess } from './process-delivery.js';

/** One delivery on its journey. */
export class Journey extends ListenerHarness {
  readonly channel = new RecordingChannel();

  constructor(
    parts: ListenerParts = {},
    readonly of: Partial<Message> & { readonly text?: string } = {},
  ) {
    super(parts);
  }

  /** A process for the next delivery of the message. */
  next(of: Partial<Message> = {}): DeliveryProcess {
    return new DeliveryProcess(aDelivery({ of: { ...this.of, ...of }, channel: this.channel }), this.env);
  }

  get frames(): readonly string[] {
    return this.channel.frames;
  }
}

/** Runs one delivery to its end, moving the clock as far as it takes. */
export async function travel(
  parts: ListenerParts,
  of: Partial<Message> & { readonly text?: string } = {},
): Promise<Journey> {
  const journey = new Journey(parts, of);
  await finish(journey, journey.next());
  return journey;
}

/** Starts a delivery; the answer tells whether it has ended. */
export function start(process: DeliveryProcess): { ended: boolean } {
  const state = { ended: false };
  void Promise.resolve(process.run()).then(() => {
    state.ended = true;
  });
  return state;
}

export async function finish(journey: Journey, process: DeliveryProcess): Promise<void> {
  const state = start(process);
  for (let i = 0; i < 100 && !state.ended; i++) await journey.clock.advance(60_000);
  expect(state.ended).to.equal(true);
  expect(journey.clock.waits).to.deep.equal([]);
}

export const fails =
  (error: unknown = new Error('broken')) =>
  () => {
    throw error;
  };

export const ACK = 'basic.ack 1';
export const REQUEUE = 'basic.reject 1 requeue';
export const REJECT = 'basic.reject 1';
export const GIVE_BACK = 'basic.nack 1 requeue';

/** It has ended, and is acknowledged, once somebody else has taken its message, and not before. */
export async function endsWhenTaken(journey: Journey, take: () => void): Promise<void> {
  const state = start(journey.next());
  await turn();
  expect([state.ended, journey.frames]).to.deep.equal([false, []]);
  take();
  await turn();
  expect([state.ended, journey.frames]).to.deep.equal([true, [ACK]]);
}
