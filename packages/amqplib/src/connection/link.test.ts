import { EventEmitter } from 'node:events';
import { type Clock, systemClock } from '@leveret/core';
import type { Channel, ChannelModel } from 'amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { rejectionOf } from '../test-support/rejection-of.js';
import { atEndOfTurn } from './end-of-turn.js';
import { Link } from './link.js';

class FakeModel extends EventEmitter {
  connection: object = {};
  readonly secrets: string[] = [];
  closes = 0;
  createChannel: () => Promise<Channel> = () => Promise.resolve(new EventEmitter() as unknown as Channel);
  createConfirmChannel: () => Promise<Channel> = () => Promise.reject(new Error('none asked for'));
  updateSecret: (secret: Buffer) => Promise<void> = async (secret) => void this.secrets.push(secret.toString());
  close: () => Promise<void> = () => {
    this.closes++;
    return new Promise(() => {});
  };
}

function linkOver(model: FakeModel, told: string[] = [], clock: Clock = systemClock): Link {
  const events = {
    ended: (error: Error | undefined) => void told.push(`ended: ${error?.message}`),
    blocked: (reason: string) => void told.push(`blocked: ${reason}`),
    unblocked: () => void told.push('unblocked'),
  };
  return new Link(model as unknown as ChannelModel, 'h:5672', events, clock);
}

function fakeStream(steps: string[] = []) {
  return Object.assign(new EventEmitter(), {
    ...{ destroyed: false, write: () => true, cork: () => {}, uncork: () => {} },
    unref: () => steps.push('unref'),
    destroy: () => steps.push('destroyed'),
  });
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
    const stream = Object.assign(fakeStream(steps), { unref: () => {} });
    model.connection = { stream };
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

  it('knows what the broker said of itself, with a fallback for what it did not', () => {
    const model = new FakeModel();
    expect(linkOver(model)).to.deep.include({
      host: 'h:5672',
      facts: { product: 'unknown', version: '0.0.0', frameMax: 131_072 },
      channelMax: undefined,
    });
    model.connection = {
      ...{ serverProperties: { product: 'RabbitMQ', version: '4.3.0' }, frameMax: 8192, channelMax: 2047 },
    };
    expect(linkOver(model)).to.deep.include({
      facts: { product: 'RabbitMQ', version: '4.3.0', frameMax: 8192 },
      channelMax: 2047,
    });
    model.connection = { channelMax: 0 };
    expect(linkOver(model).channelMax).to.equal(undefined);
  });

  it('is blocked from when the broker says so until it says otherwise', () => {
    const model = new FakeModel();
    const told: string[] = [];
    const link = linkOver(model, told);
    expect(link.blocked).to.equal(false);
    model.emit('blocked', 'low on memory');
    expect(link.blocked).to.equal(true);
    model.emit('unblocked');
    expect(link.blocked).to.equal(false);
    expect(told).to.deep.equal(['blocked: low on memory', 'unblocked']);
  });

  it('tells its end once to each who listens, at once when it is over, and nobody who has left', () => {
    const model = new FakeModel();
    const told: string[] = [];
    const link = linkOver(model, told);
    link.onEnd(() => told.push('first'));
    link.onEnd(() => told.push('left'))();
    model.emit('close', new Error('gone'));
    model.emit('close', new Error('again'));
    link.onEnd(() => told.push('late'));
    expect(told).to.deep.equal(['first', 'ended: gone', 'late']);
  });

  it('has ended from the start where its socket has, and when that is destroyed on this side', () => {
    for (const connection of [
      { expectSocketClose: true },
      { stream: Object.assign(fakeStream(), { destroyed: true }) },
    ]) {
      const told: string[] = [];
      const ended = linkOver(Object.assign(new FakeModel(), { connection }), told, new FakeClock());
      expect([ended.ended, ended.wasCut, told]).to.deep.equal([true, true, ['ended: undefined']]);
    }
    const errors: string[] = [];
    const stream = fakeStream();
    const model = Object.assign(new FakeModel(), { connection: { stream } });
    const link = linkOver(model, [], new FakeClock());
    expect(link.ended).to.equal(false);
    stream.on('error', ({ message }) => errors.push(message));
    stream.emit('close');
    expect(errors).to.deep.equal(['The socket was closed.']);
    model.emit('close');
    stream.emit('close');
    expect(errors).to.have.lengthOf(1);
  });

  it('leaves its socket a quarter of a second for its last bytes, which keep no process alive', async () => {
    const steps: string[] = [];
    const clock = new FakeClock();
    const model = Object.assign(new FakeModel(), { connection: { stream: fakeStream(steps) } });
    linkOver(model, [], clock);
    model.emit('close');
    expect(steps).to.deep.equal(['unref']);
    await clock.advance(249);
    expect(steps).to.deep.equal(['unref']);
    await clock.advance(1);
    expect(steps).to.deep.equal(['unref', 'destroyed']);
  });

  it('opens both kinds of channel within a time, and closes one that comes late', async () => {
    const clock = new FakeClock();
    const model = new FakeModel();
    const link = linkOver(model, [], clock);
    const channel = Object.assign(new EventEmitter(), { closes: 0, close: async () => void channel.closes++ });
    model.createConfirmChannel = async () => channel as unknown as Channel;
    expect(await link.openConfirmChannel(10)).to.equal(channel);
    expect(channel.closes).to.equal(0);
    let open = (_channel: Channel) => {};
    model.createChannel = () =>
      new Promise((resolve) => {
        open = resolve;
      });
    const late = rejectionOf(link.openChannel(700));
    await clock.advance(699);
    await clock.advance(1);
    const error = (await late) as Error;
    expect(error).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect(error.message).to.equal('h:5672 did not open a channel within 700 ms.');
    open(channel as unknown as Channel);
    await clock.advance(0);
    expect([channel.closes, clock.waits]).to.deep.equal([1, []]);
  });

  it('hears the errors of a channel, so that they end no connection', async () => {
    const channel = (await linkOver(new FakeModel()).openChannel(10)) as unknown as EventEmitter;
    expect(() => channel.emit('error', new Error('refused'))).to.not.throw();
    expect(() => channel.emit('close')).to.not.throw();
  });

  describe('that gets another secret', () => {
    it('has it when the broker has taken it', async () => {
      const model = new FakeModel();
      await linkOver(model).updateSecret('token', 10);
      expect(model.secrets).to.deep.equal(['token']);
      model.updateSecret = () => Promise.reject(new Error('refused'));
      expect(await rejectionOf(linkOver(model).updateSecret('token', 10))).to.match(/refused/);
    });

    it('waits for the answer within a time, and no longer than the connection lasts', async () => {
      const clock = new FakeClock();
      const model = Object.assign(new FakeModel(), { updateSecret: () => new Promise<void>(() => {}) });
      const link = linkOver(model, [], clock);
      const late = rejectionOf(link.updateSecret('token', 700));
      await clock.advance(700);
      const error = (await late) as Error;
      expect(error).to.include({ code: 'LEV_CONNECTION_FAILED' });
      expect(error.message).to.equal('h:5672 took no new secret within 700 ms.');
      const cut = rejectionOf(link.updateSecret('token', 700));
      model.emit('close', new Error('gone'));
      expect(await cut).to.match(/gone/);
      expect(clock.waits).to.deep.equal([]);
      expect(await rejectionOf(link.updateSecret('token', 700))).to.match(/gone/);
    });
  });

  describe('that is closed', () => {
    for (const { how, timeoutMs, blocked, takes } of [
      { how: 'within the time given', timeoutMs: 700, blocked: false, takes: 700 },
      { how: 'within 5 s, however much it is given', timeoutMs: 60_000, blocked: false, takes: 5_000 },
      {
        how: 'within a quarter of a second when the broker does not read',
        timeoutMs: 60_000,
        blocked: true,
        takes: 250,
      },
    ]) {
      it(`is destroyed without an answer ${how}`, async () => {
        const clock = new FakeClock();
        const steps: string[] = [];
        const model = Object.assign(new FakeModel(), { connection: { stream: fakeStream(steps) } });
        const link = linkOver(model, [], clock);
        link.onEnd(() => steps.push('ended'));
        if (blocked) model.emit('blocked', 'low on memory');
        const closing = link.close(timeoutMs);
        expect(model.closes).to.equal(1);
        await clock.advance(takes - 1);
        expect(link.ended).to.equal(false);
        await clock.advance(1);
        await closing;
        expect(link.ended).to.equal(true);
        expect(steps.slice(0, 3)).to.deep.equal(['unref', 'ended', 'destroyed']);
        await link.close(timeoutMs);
        expect(model.closes).to.equal(1);
      });
    }

    it('is closed when the broker has answered, behind what was left for the end of the turn', async () => {
      const clock = new FakeClock();
      const steps: string[] = [];
      const model = new FakeModel();
      const link = linkOver(model, [], clock);
      model.close = async () => {
        steps.push('close');
        model.emit('close');
      };
      atEndOfTurn(() => steps.push('acks'));
      await link.close(60_000);
      expect([steps, link.ended, link.error, clock.waits]).to.deep.equal([['acks', 'close'], true, undefined, []]);
    });
  });
});
