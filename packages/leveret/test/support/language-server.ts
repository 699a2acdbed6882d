import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

interface Answer {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: { readonly items?: readonly unknown[] };
  readonly result?: unknown;
  readonly error?: unknown;
}

/** TypeScript's own language server, as an editor talks to it. */
export class LanguageServer {
  readonly #process = spawn(process.execPath, [tsc(), '--lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'ignore'] });
  readonly #waiting = new Map<unknown, (answer: Answer) => void>();
  #received = Buffer.alloc(0);
  #lastId = 0;

  constructor() {
    this.#process.stdout.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      for (let answer = this.#take(); answer !== undefined; answer = this.#take()) this.#heard(answer);
    });
  }

  async start(folder: URL): Promise<void> {
    const capabilities = { textDocument: { hover: { contentFormat: ['markdown'] } } };
    await this.#ask('initialize', { processId: process.pid, rootUri: folder.href, capabilities });
    this.#send({ method: 'initialized', params: {} });
  }

  /** The texts that are shown for what each `// ^?` of a file points to, each in one line and without documentation. */
  async hovers(file: URL): Promise<readonly string[]> {
    const text = readFileSync(file, 'utf8');
    const uri = pathToFileURL(fileURLToPath(file)).href;
    const textDocument = { uri, languageId: 'typescript', version: 1, text };
    this.#send({ method: 'textDocument/didOpen', params: { textDocument } });
    const shown: string[] = [];
    for (const [index, line] of text.split('\n').entries()) {
      if (!/^ *\/\/ +\^\?$/.test(line)) continue;
      const character = line.indexOf('^?');
      const position = { line: index - 1, character };
      const hover = (await this.#ask('textDocument/hover', { textDocument: { uri }, position })) as {
        readonly contents: { readonly value: string };
      } | null;
      const code = /```typescript\n(.*?)\n```/s.exec(hover?.contents.value ?? '')?.[1] ?? '';
      shown.push(code.replaceAll(/\s+/g, ' ').replace('(alias) function ', '').replace('(method) ', ''));
    }
    return shown;
  }

  close(): void {
    this.#process.kill();
  }

  #ask(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result) : reject(new Error(JSON.stringify(error))),
      );
      this.#send({ id, method, params });
    });
  }

  #send(message: object): void {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.#process.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  #take(): Answer | undefined {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const length = Number(/Content-Length: (\d+)/.exec(this.#received.toString('latin1', 0, end))?.[1]);
    if (this.#received.length < end + 4 + length) return undefined;
    const answer = JSON.parse(this.#received.toString('utf8', end + 4, end + 4 + length)) as Answer;
    this.#received = this.#received.subarray(end + 4 + length);
    return answer;
  }

  /** It asks back for settings of the editor, which has none. */
  #heard(answer: Answer): void {
    if (answer.method === undefined) this.#waiting.get(answer.id)?.(answer);
    else if (answer.id !== undefined) {
      this.#send({ id: answer.id, result: answer.params?.items?.map(() => null) ?? null });
    }
  }
}

function tsc(): string {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  return fileURLToPath(new URL('./bin/tsc', pathToFileURL(manifest)));
}
