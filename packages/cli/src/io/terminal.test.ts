import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { FullScreen, processScreen, type Screen } from './terminal.js';

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

  it('is not to be had where there is no terminal', () => {
    const { isTTY } = process.stdout;
    process.stdout.isTTY = false;
    expect(processScreen()).to.equal(undefined);
    process.stdout.isTTY = isTTY;
  });
});
