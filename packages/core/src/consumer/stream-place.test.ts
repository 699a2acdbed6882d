import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { aDefinition, aQueueDeclaration } from './listener-harness.support.test.js';
import { StreamPlace } from './stream-place.js';

function place(stored: number | undefined) {
  const clock = new FakeClock();
  const saves: number[] = [];
  const failures: unknown[] = [];
  const store = {
    answer: (): Promise<void> => Promise.resolve(),
    load: async () => stored,
    save: (_listener: string, _stream: string, offset: number) => {
      saves.push(offset);
      return store.answer();
    },
  };
  const queueDeclaration = aQueueDeclaration({ type: 'stream' });
  const definition = aDefinition({ definition: { queueDeclaration, streamOffsets: store } });
  const made = StreamPlace.of(definition, clock, (error) => failures.push(error)) as StreamPlace;
  const handle = (...offsets: number[]) => {
    for (const offset of offsets) {
      made.position.took(offset);
      made.position.done(offset);
    }
  };
  return { made, store, saves, failures, clock, handle };
}

describe('StreamPlace', () => {
  it('goes on behind what is stored, and from memory once it knows better', async () => {
    const { made, handle } = place(41);
    await made.restore();
    expect(made.position.start(true)).to.deep.equal({ offset: 42 });
    handle(42);
    await made.restore();
    expect(made.position.start(true)).to.deep.equal({ offset: 43 });
  });

  it('begins as the options say when nothing is stored', async () => {
    const { made } = place(undefined);
    await made.restore();
    expect(made.position.start(false)).to.equal(undefined);
  });

  it('saves one at a time, and then the latest', async () => {
    const { made, store, saves, handle } = place(undefined);
    let end = () => {};
    store.answer = () => new Promise((resolve) => (end = resolve));
    handle(1, 2, 3);
    expect(saves).to.deep.equal([1]);
    store.answer = () => Promise.resolve();
    end();
    await made.flush();
    expect(saves).to.deep.equal([1, 3]);
  });

  it('tries again what could not be saved, and says so', async () => {
    const { made, store, saves, failures, clock, handle } = place(undefined);
    store.answer = () => Promise.reject(new Error('away'));
    handle(1);
    await made.flush();
    expect(failures).to.have.lengthOf(1);
    store.answer = () => Promise.resolve();
    await clock.advance(1000);
    await turn();
    expect(saves).to.deep.equal([1, 1]);
  });

  it('waits 2 s at most at a shutdown', async () => {
    const { made, store, clock, handle } = place(undefined);
    store.answer = () => new Promise(() => {});
    handle(1);
    let flushed = false;
    void made.flush().then(() => {
      flushed = true;
    });
    await clock.advance(1999);
    expect(flushed).to.equal(false);
    await clock.advance(1);
    expect(flushed).to.equal(true);
  });

  it('is none for a queue', () => {
    expect(StreamPlace.of(aDefinition(), new FakeClock(), () => {})).to.equal(undefined);
  });
});
