/** What of a terminal a command on the whole screen needs; replaced in tests. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
  /** Keys come one by one instead of line by line, and are not shown. */
  setRawMode(on: boolean): void;
  /** Calls back with what was typed, and when the size has changed. The result ends it. */
  listen(onKeys: (keys: string) => void, onResize: () => void): () => void;
  /** Calls back when the process is about to end, by itself or by a signal. The result ends it. */
  onEnd(restore: () => void): () => void;
}

/** What of a process its terminal is known by. */
export type ScreenHost = Pick<NodeJS.Process, 'stdin' | 'stdout' | 'once' | 'off' | 'kill' | 'pid'>;

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const CTRL_C = '\u0003';

/** Shows the same page again and again on a screen of its own; however it ends, the terminal is as it was. */
export class FullScreen {
  readonly #screen: Screen;
  readonly #undo: (() => void)[] = [];

  /** @param onQuit `q`, or Ctrl-C, which a raw terminal hands on as a key */
  constructor(screen: Screen, { onQuit, onResize }: { onQuit: (isCtrlC: boolean) => void; onResize: () => void }) {
    this.#screen = screen;
    this.#undo.push(screen.onEnd(() => this.leave()));
    const onKeys = (keys: string) => {
      if (keys.includes(CTRL_C)) onQuit(true);
      else if (/q/i.test(keys)) onQuit(false);
    };
    this.#undo.push(screen.listen(onKeys, onResize));
    screen.setRawMode(true);
    screen.write(ENTER);
  }

  /** Shows lines that are cut to the size of the screen. */
  show(lines: readonly string[]): void {
    const { columns, rows, write } = this.#screen;
    const shown = lines.slice(0, rows).map((line) => `${line.slice(0, columns)}\u001b[K`);
    write.call(this.#screen, `\u001b[H${shown.join('\r\n')}\u001b[J`);
  }

  /** Leaves the screen; a second time does nothing. */
  leave(): void {
    if (this.#undo.length === 0) return;
    for (const undo of this.#undo.splice(0)) undo();
    this.#screen.write(LEAVE);
    this.#screen.setRawMode(false);
  }
}

/** The terminal of a process; `undefined` when its input or output is none. */
export function processScreen(host: ScreenHost = process): Screen | undefined {
  const { stdin, stdout } = host;
  if (!stdin.isTTY || !stdout.isTTY) return undefined;
  return {
    get columns() {
      return stdout.columns;
    },
    get rows() {
      return stdout.rows;
    },
    write: (text) => stdout.write(text),
    setRawMode: (on) => stdin.setRawMode(on),
    listen(onKeys, onResize) {
      const onData = (data: Buffer) => onKeys(data.toString('utf8'));
      stdin.on('data', onData);
      stdout.on('resize', onResize);
      return () => {
        stdin.off('data', onData);
        stdin.pause();
        stdout.off('resize', onResize);
      };
    },
    onEnd(restore) {
      const signals = ['SIGTERM', 'SIGHUP'] as const;
      const handlers = signals.map((signal) => {
        const handler = () => {
          restore();
          host.kill(host.pid, signal);
        };
        host.once(signal, handler);
        return () => host.off(signal, handler);
      });
      host.once('exit', restore);
      return () => {
        host.off('exit', restore);
        for (const off of handlers) off();
      };
    },
  };
}
