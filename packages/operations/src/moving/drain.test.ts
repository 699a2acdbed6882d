import { type Delivery, systemClock } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { OperationsSession } from '../session/operations-session.js';
import { drain } from './drain.js';

describe('drain', () => {
  it('begins nothing that comes when it has ended: the broker takes that back', async () => {
    let late: (delivery: Delivery) => void = () => {};
    const broker = {
      queue: async () => ({ messages: 0, consumers: 0 }),
      consume: async (_queue: string, _options: object, sink: { delivered(delivery: Delivery): void }) => ({
        close: async () => {
          late = (delivery) => sink.delivered(delivery);
          late({} as Delivery);
        },
      }),
    };
    let begun = 0;
    await drain({ broker, clock: systemClock } as unknown as OperationsSession, 'q', async () => {
      begun++;
    });
    late({} as Delivery);
    expect(begun).to.equal(0);
  });
});
