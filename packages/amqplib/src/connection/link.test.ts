import { EventEmitter } from 'node:events';
import { systemClock } from '@leveret/core';
import type { Channel, ChannelModel } from 'amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { rejectionOf } from '../test-support/rejection-of.js';
import { Link } from './link.js';

class FakeModel extends EventEmitter {
  readonly connection = {};
  createChannel: () => Promise<Channel> = () => Promise.resolve(new EventEmitter() as unknown as Channel);
}

function linkOver(model: FakeModel): Link {
  const events = { ended: () => {}, blocked: () => {}, unblocked: () => {} };
  return new Link(model as unknown as ChannelModel, 'h:5672', events, systemClock);
}

describe('Link', () => {
  it('hands out no channel whose connection ended in the same packet that opened it', async () => {
    const model = new FakeModel();
    const link = linkOver(model);
    const end = new Error('Connection closed: 320 (CONNECTION-FORCED)');
    model.createChannel = () =>
      new Promise((resolve) => {
        resolve(new EventEmitter() as unknown as Channel);
        model.emit('close', end);
      });
    expect(await rejectionOf(link.openChannel(1000))).to.equal(end);
  });

  it('keeps the first reason for its end', () => {
    const model = new FakeModel();
    const link = linkOver(model);
    model.emit('error', new Error('first'));
    model.emit('close', new Error('second'));
    expect(link.ended).to.equal(true);
    expect(link.error?.message).to.equal('first');
  });

  for (const { how, text, wasCut } of [
    { how: 'a network', text: 'read ECONNRESET', wasCut: true },
    { how: 'an operator', text: 'Connection closed: 320 (CONNECTION-FORCED) with message "bye"', wasCut: true },
    {
      how: 'a broker that found fault',
      text: 'Connection closed: 541 (INTERNAL-ERROR) with message "no"',
      wasCut: false,
    },
  ]) {
    it(`${wasCut ? 'was' : 'was not'} cut when ${how} ended it`, () => {
      const model = new FakeModel();
      const link = linkOver(model);
      expect(link.wasCut).to.equal(false);
      model.emit('error', new Error(text));
      model.emit('close');
      expect(link.wasCut).to.equal(wasCut);
    });
  }

  it('ends once when it is destroyed, with the reason, and lets amqplib end its channels first', () => {
    const model = new FakeModel();
    const steps: string[] = [];
    const stream = Object.assign(new EventEmitter(), {
      destroyed: false,
      write: () => true,
      cork: () => {},
      uncork: () => {},
      unref: () => {},
      destroy: () => steps.push('destroyed'),
    });
    (model.connection as { stream?: unknown }).stream = stream;
    const link = linkOver(model);
    stream.on('error', (error) => steps.push(`error: ${error.message}`));
    link.onEnd(() => steps.push('ended'));
    const why = new Error('no longer wanted');
    link.destroy(why);
    expect(steps).to.deep.equal(['error: no longer wanted', 'ended', 'destroyed']);
    link.destroy(new Error('again'));
    expect(steps.slice(3)).to.deep.equal(['destroyed']);
    expect([link.ended, link.error]).to.deep.equal([true, why]);
  });
});
