import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { EventStreams, type Visitor } from './event-streams.js';

/** An open page, as the server sees it. */
class OpenPage extends EventEmitter {
  readonly frames: string[] = [];
  writableLength = 0;
  /** What is written stays, as with a page that does not read. */
  isStuck = false;
  state: 'open' | 'ended' | 'destroyed' = 'open';

  writeHead(): this {
    return this;
  }

  write(frame: string): void {
    this.frames.push(frame);
    if (this.isStuck) this.writableLength += frame.length;
  }

  end(): void {
    this.state = 'ended';
    this.emit('close');
  }

  destroy(): void {
    this.state = 'destroyed';
    this.emit('close');
  }

  get events(): readonly string[] {
    return this.frames.flatMap((frame) => /^event: (.*)$/m.exec(frame)?.[1] ?? []);
  }
}

const entry = { at: 0, who: 'anna', what: 'errors.discard', ids: [], ok: true } as const;

function openAt(
  streams: EventStreams,
  { lastId, mayStay = () => true, ...asked }: Partial<Visitor> & { lastId?: string } = {},
): OpenPage {
  const page = new OpenPage();
  const request = { headers: { 'last-event-id': lastId } } as unknown as IncomingMessage;
  streams.open(request, page as unknown as ServerResponse, [{ name: 'fault', data: null }], { mayStay, ...asked });
  return page;
}

describe('EventStreams', () => {
  it('lets a page go that does not read, and keeps the others', () => {
    const streams = new EventStreams(new FakeClock());
    const [slow, quick] = [openAt(streams), openAt(streams)];
    slow.isStuck = true;
    for (let sent = 0; sent < 200; sent++)
      streams.send({ name: 'audit', data: { ...entry, detail: 'x'.repeat(10_000) } });
    expect([slow.state, quick.state]).to.eql(['destroyed', 'open']);
    expect(slow.frames.length).to.be.below(120);
    expect(quick.events).to.have.length(201);
    expect(streams.clients).to.equal(1);
  });

  it('takes a hundred pages, and says so to the next', () => {
    const streams = new EventStreams(new FakeClock());
    const pages = Array.from({ length: 100 }, () => openAt(streams));
    expect(() => openAt(streams))
      .to.throw(/open pages/)
      .with.property('status', 503);
    pages[0]?.emit('close');
    openAt(streams);
  });

  it('sends again what a page has missed, if it was of this run', () => {
    const streams = new EventStreams(new FakeClock());
    const first = openAt(streams);
    streams.send({ name: 'audit', data: entry }, true);
    const id = /^id: (.*)$/m.exec(first.frames.at(-1) ?? '')?.[1] ?? '';
    streams.send({ name: 'queues', data: [] });
    streams.send({ name: 'audit', data: entry }, true);
    expect(openAt(streams, { lastId: id }).events).to.eql(['fault', 'audit']);
    for (const other of ['other-0', 'x', '', '-1']) expect(openAt(streams, { lastId: other }).events).to.eql(['fault']);
  });

  it('says now and then that it is still there, and ends where a session has ended', async () => {
    const clock = new FakeClock();
    const streams = new EventStreams(clock);
    let mayStay = true;
    const page = openAt(streams, { mayStay: () => mayStay });
    await clock.advance(15_000);
    expect(page.frames.at(-1)).to.equal(': still here\n\n');
    expect(clock.waits.length).to.equal(1);
    mayStay = false;
    streams.send({ name: 'audit', data: entry });
    expect(page.state).to.equal('ended');
    expect(page.events).to.eql(['fault']);
    const another = openAt(streams);
    streams.close();
    expect(another.state).to.equal('ended');
    expect(() => openAt(streams)).to.throw();
  });

  it('asks with each heartbeat whether those are still let in whom the application knows', async () => {
    const clock = new FakeClock();
    const streams = new EventStreams(clock);
    const answers: ((isKnown: boolean) => void)[] = [];
    const isStillKnown = () => new Promise<boolean>((resolve) => answers.push(resolve));
    const [known, gone] = [openAt(streams, { isStillKnown }), openAt(streams, { isStillKnown })];
    const answer = (...isKnown: boolean[]) => {
      expect(answers).to.have.length(2);
      for (const [index, resolve] of answers.splice(0).entries()) resolve(isKnown[index] as boolean);
    };
    await clock.advance(15_000);
    answer(true, true);
    await clock.advance(15_000);
    answer(true, false);
    await clock.advance(14_999);
    expect([known.state, gone.state]).to.eql(['open', 'ended']);
    expect(streams.clients).to.equal(1);
    streams.send({ name: 'audit', data: entry });
    expect([known.events, gone.events]).to.eql([['fault', 'audit'], ['fault']]);
    // Never more than one question at once, however long the answer takes.
    await clock.advance(1);
    await clock.advance(60_000);
    expect(answers).to.have.length(1);
    streams.close();
    answers[0]?.(false);
    await clock.advance(60_000);
    expect([known.state, answers.length, clock.waits.length]).to.eql(['ended', 1, 0]);
  });
});
