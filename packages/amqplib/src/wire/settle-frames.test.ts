import { expect } from 'chai';
import { describe, it } from 'mocha';
import { amqplibDefinitions as amqplib } from '../test-support/amqplib-definitions.js';
import { ackFrame, giveBackFrame, rejectFrame } from './settle-frames.js';

describe('the frames of settlements', () => {
  for (const deliveryTag of [1, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER]) {
    it(`are those that amqplib writes for tag ${deliveryTag}`, () => {
      const of = (id: number, fields: object) => amqplib.encodeMethod(id, 300, { deliveryTag, ...fields });
      for (const multiple of [true, false]) {
        expect(ackFrame(300, deliveryTag, multiple)).to.deep.equal(of(amqplib.BasicAck, { multiple }));
      }
      for (const requeue of [true, false]) {
        expect(rejectFrame(300, deliveryTag, requeue)).to.deep.equal(of(amqplib.BasicReject, { requeue }));
      }
      const nack = of(amqplib.BasicNack, { multiple: false, requeue: true });
      expect(giveBackFrame(300, deliveryTag)).to.deep.equal(nack);
    });
  }
});
