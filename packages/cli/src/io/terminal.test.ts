import { EventEmitter } from 'node:events';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { FullScreen, processScreen, type Screen, type ScreenHost } from './terminal.js';

/** A terminal that keeps what is written. */
class FakeScreen implements Screen {
  columns = 10;
  rows = 3;
  written = '';
  isRaw = false;
  listeners = 0;
  type: (keys: string) => void = () => {};
  resize = () => {};
  end = () => {};

  write(text: string): void {
    this.written += text;
  }

  setRawMode(on: boolean): void {
    this.isRaw = on;
  }

  listen(onKeys: (keys: string) => void, onResize: () => void): () => void {
    this.listeners++;
    [this.type, this.resize] = [onKeys, onResize];
    return () => this.listeners--;
  }

  onEnd(restore: () => void): () => void {
    this.listeners++;
    this.end = restore;
    return () => this.listeners--;
  }
}

describe('FullScreen', () => {
  let screen: FakeScreen;
  let quits: boolean[];
  let resizes: number;
  let page: FullScreen;

  beforeEach(() => {
    screen = new FakeScreen();
    quits = [];
    resizes = 0;
    page = new FullScreen(screen, { onQuit: (isCtrlC) => quits.push(isCtrlC), onResize: () => resizes++ });
  });

  const isAsBefore = () => {
    expect(screen.isRaw).to.equal(false);
    expect(screen.listeners).to.equal(0);
    expect(screen.written.endsWith('\u001b[?25h\u001b[?1049l')).to.equal(true);
    expect(screen.written.split('\u001b[?1049l')).to.have.length(2);
  };

  it('takes a screen of its own, and gives it back once', () => {
    expect(screen.isRaw).to.equal(true);
    expect(screen.written).to.equal('\u001b[?1049h\u001b[?25l');
    page.leave();
    page.leave();
    isAsBefore();
  });

  it('gives it back when the process ends', () => {
    screen.end();
    page.leave();
    isAsBefore();
  });

  it('cuts what is shown to the size of the screen', () => {
    screen.written = '';
    page.show(['0123456789abc', 'b', 'c', 'd']);
    expect(screen.written).to.equal('\u001b[H0123456789\u001b[K\r\nb\u001b[K\r\nc\u001b[K\u001b[J');
  });

  it('hears q, Ctrl-C and a new size, and nothing else', () => {
    for (const keys of ['x', '\u001b[A', 'q', 'Q', '\u0003']) screen.type(keys);
    screen.resize();
    expect(quits).to.eql([false, false, true]);
    expect(resizes).to.equal(1);
  });
});

describe('processScreen', () => {
  /** A process on a terminal of 80 by 24. */
  class FakeHost extends EventEmitter {
    readonly pid = 7;
    readonly killed: unknown[] = [];
    readonly modes: boolean[] = [];
    readonly written: string[] = [];
    readonly stdin = Object.assign(new EventEmitter(), {
      isTTY: true,
      isPaused: false,
      setRawMode: (on: boolean) => this.modes.push(on),
      pause: () => {
        this.stdin.isPaused = true;
      },
    });
    readonly stdout = Object.assign(new EventEmitter(), {
      isTTY: true,
      columns: 80,
      rows: 24,
      write: (text: string) => this.written.push(text),
    });

    kill(pid: number, signal: string): void {
      this.killed.push([pid, signal]);
    }

    get screen(): Screen | undefined {
      return processScreen(this as unknown as ScreenHost);
    }
  }

  const heard = ({ stdin, stdout }: FakeHost) => stdin.listenerCount('data') + stdout.listenerCount('resize');

  it('is not to be had where input or output is no terminal', () => {
    for (const stream of ['stdin', 'stdout'] as const) {
      const host = new FakeHost();
      host[stream].isTTY = false;
      expect(host.screen).to.equal(undefined);
    }
  });

  it('hands on keys and sizes until it is left', () => {
    const host = new FakeHost();
    const screen = host.screen as Screen;
    expect([screen.columns, screen.rows]).to.eql([80, 24]);
    const keys: string[] = [];
    let resizes = 0;
    const end = screen.listen(
      (typed) => keys.push(typed),
      () => resizes++,
    );
    host.stdin.emit('data', Buffer.from('q'));
    host.stdout.emit('resize');
    screen.setRawMode(true);
    screen.write('x');
    expect([keys, resizes, host.modes, host.written]).to.eql([['q'], 1, [true], ['x']]);
    end();
    // What still listens to its input keeps a process alive.
    expect([heard(host), host.stdin.isPaused]).to.eql([0, true]);
  });

  for (const signal of ['SIGTERM', 'SIGHUP']) {
    it(`is as it was before a process ends by ${signal}, which then ends it`, () => {
      const host = new FakeHost();
      let restored = 0;
      const off = (host.screen as Screen).onEnd(() => {
        restored++;
        off();
      });
      host.emit(signal);
      expect(restored).to.equal(1);
      expect(host.killed).to.eql([[7, signal]]);
      expect(host.eventNames()).to.eql([]);
    });
  }

  it('is as it was before a process ends by itself', () => {
    const host = new FakeHost();
    let restored = 0;
    (host.screen as Screen).onEnd(() => restored++);
    host.emit('exit');
    expect(restored).to.equal(1);
  });
});
