import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { type FastifyLike, mountInFastify } from './mount-in-fastify.js';
import { PageFiles } from './page-files.js';
import { readJson } from './read-json.js';

const MOST_BYTES = 2 * 1024 * 1024;

/** A request whose body is still to come. */
function request(headers: Record<string, string> = {}): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers }) as unknown as PassThrough & IncomingMessage;
}
const refusal = (reading: Promise<unknown>) =>
  reading.then(
    () => expect.fail('it was read'),
    (error: unknown) => error as Error & { status: number },
  );

describe('readJson', () => {
  const clock = new FakeClock();

  it('reads an object, in whatever parts it comes', async () => {
    const given = request();
    const reading = readJson(given, clock);
    const bytes = Buffer.from('{"name":"é"}');
    given.write(bytes.subarray(0, 10));
    given.end(bytes.subarray(10));
    expect(await reading).to.deep.equal({ name: 'é' });
    expect(clock.waits).to.deep.equal([]);
  });

  it('takes what a parser of the application has read before', async () => {
    const given = request();
    given.end('');
    given.resume();
    await new Promise((resolve) => given.once('end', resolve));
    expect(await readJson(Object.assign(given, { body: { a: 1 } }), clock)).to.deep.equal({ a: 1 });
    expect(await refusal(readJson(Object.assign(given, { body: 'text' }), clock))).to.include({ status: 400 });
  });

  for (const [what, body] of [
    ['no JSON', '{'],
    ['a list', '[]'],
    ['a text', '"a"'],
    ['null', 'null'],
    ['nothing', ''],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const given = request();
      given.end(body);
      expect(await refusal(readJson(given, clock))).to.include({ status: 400 });
    });
  }

  it('takes 2 MiB, and not a byte more, whether that was announced or not', async () => {
    const text = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`;
    const exact = request({ 'content-length': String(MOST_BYTES) });
    exact.end(text(MOST_BYTES));
    expect(await readJson(exact, clock)).to.have.property('a');
    const announced = request({ 'content-length': String(MOST_BYTES + 1) });
    expect(await refusal(readJson(announced, clock))).to.include({ status: 413 });
    const silent = request();
    const reading = refusal(readJson(silent, clock));
    silent.write(text(MOST_BYTES + 1));
    expect(await reading).to.include({ status: 413 });
    expect(silent.isPaused(), 'the rest is not read').to.equal(true);
  });

  it('waits ten seconds for it', async () => {
    const reading = refusal(readJson(request(), clock));
    await clock.advance(10_000);
    expect(await reading).to.include({ status: 408 });
  });

  it('says that it broke off', async () => {
    for (const way of ['error', 'close']) {
      const given = request();
      const reading = refusal(readJson(given, clock));
      given.emit(way, new Error('reset'));
      expect((await reading).message).to.equal('The body broke off.');
    }
  });
});

describe('PageFiles', () => {
  let folder: string;
  let files: PageFiles;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'leveret-page-'));
    writeFileSync(join(folder, 'index.html'), '<p>page</p>');
    writeFileSync(join(folder, 'app-1.js'), 'run()');
    writeFileSync(join(folder, 'secret.txt'), 'not in the manifest');
    const list = {
      'index.html': { type: 'text/html; charset=utf-8', immutable: false },
      'app-1.js': { type: 'text/javascript', immutable: true },
    };
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ files: list }));
    files = PageFiles.read(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  const ask = (name: string, headers: Record<string, string> = {}, method = 'GET') => {
    const answer: { status?: number; headers: Record<string, unknown>; body?: Buffer | undefined } = { headers: {} };
    const response = {
      writeHead: (status: number, given: Record<string, unknown>) => {
        Object.assign(answer, { status, headers: given });
        return response;
      },
      end: (body?: Buffer) => {
        answer.body = body;
      },
    };
    const found = files.serve(name, { method, headers } as IncomingMessage, response as unknown as ServerResponse);
    return { found, ...answer };
  };

  it('serves the page and its files, what has a digest in its name for ever', () => {
    const page = ask('');
    expect([page.found, page.status, page.body?.toString()]).to.deep.equal([true, 200, '<p>page</p>']);
    expect(page.headers).to.include({
      ...{ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache', 'content-length': 11 },
      vary: 'accept-encoding',
    });
    expect(page.headers).to.not.have.property('content-encoding');
    expect(ask('app-1.js').headers).to.include({
      ...{ 'content-type': 'text/javascript', 'cache-control': 'public, max-age=31536000, immutable' },
    });
  });

  it('packs for whoever unpacks', () => {
    const { body, headers } = ask('', { 'accept-encoding': 'br, gzip' });
    expect(headers).to.include({ 'content-encoding': 'gzip', 'content-length': body?.length });
    expect(gunzipSync(body ?? Buffer.alloc(0)).toString()).to.equal('<p>page</p>');
  });

  it('sends nothing again that the browser has, and to HEAD no file', () => {
    const etag = String(ask('').headers['etag']);
    expect(etag).to.match(/^"[\w-]{22}"$/);
    expect(etag).to.not.equal(ask('app-1.js').headers['etag']);
    const same = ask('', { 'if-none-match': etag });
    expect([same.found, same.status, same.body]).to.deep.equal([true, 304, undefined]);
    expect(ask('', { 'if-none-match': '"other"' }).status).to.equal(200);
    const head = ask('', {}, 'HEAD');
    expect([head.status, head.body, head.headers['content-length']]).to.deep.equal([200, undefined, 11]);
  });

  it('serves nothing that is not in its manifest', () => {
    for (const name of ['secret.txt', 'manifest.json', '../index.html', '__proto__']) {
      expect(ask(name).found, name).to.equal(false);
    }
    expect(files.isEmpty).to.equal(false);
    expect(PageFiles.read(join(folder, 'nowhere')).isEmpty).to.equal(true);
  });
});

describe('mountInFastify', () => {
  it('gives every request on as it came, its body unread', () => {
    const log: unknown[] = [];
    const handlers = new Map<string, (request: never, reply: never) => void>();
    let parse: (request: never, payload: never, done: (...args: unknown[]) => void) => void = () => {};
    const instance: FastifyLike = {
      prefix: '/leveret',
      removeAllContentTypeParsers: () => log.push('no parsers'),
      addContentTypeParser: (type, parser) => {
        log.push(`parser ${type}`);
        parse = parser as never;
      },
      all: (path, handler) => handlers.set(path, handler as never),
    };
    let isDone = false;
    mountInFastify((prefix) => (given, response) => void log.push([prefix, given, response]))(instance, {}, () => {
      isDone = true;
    });
    expect([log, isDone]).to.deep.equal([['no parsers', 'parser *'], true]);
    parse({} as never, {} as never, (...args) => log.push(args));
    expect(log.pop()).to.deep.equal([null]);
    expect([...handlers.keys()]).to.deep.equal(['/', '/*']);
    for (const handle of handlers.values()) {
      let isHijacked = false;
      const reply = { raw: 'response', hijack: () => (isHijacked = true) };
      handle({ raw: 'request' } as never, reply as never);
      expect([log.pop(), isHijacked]).to.deep.equal([['/leveret', 'request', 'response'], true]);
    }
  });
});
