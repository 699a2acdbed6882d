import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { RESPONSE_HEADERS } from '../security/response-headers.js';

interface PageFile {
  readonly type: string;
  readonly caching: string;
  readonly etag: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
}

/** What the build writes beside the files: which there are. */
interface Manifest {
  readonly files: Readonly<Record<string, { readonly type: string; readonly immutable: boolean }>>;
}

/** Where the build puts the page. */
const PAGE_FOLDER = fileURLToPath(new URL('../../dist-page/', import.meta.url));

/** The files of the page, read once: what is asked for is looked up among the names of its manifest, and the disk is not asked again. */
export class PageFiles {
  readonly #files: ReadonlyMap<string, PageFile>;

  private constructor(files: ReadonlyMap<string, PageFile>) {
    this.#files = files;
  }

  static read(folder = PAGE_FOLDER): PageFiles {
    const list = join(folder, 'manifest.json');
    if (!existsSync(list)) return new PageFiles(new Map());
    const { files } = JSON.parse(readFileSync(list, 'utf8')) as Manifest;
    return new PageFiles(
      new Map(
        Object.entries(files).map(([name, { type, immutable }]) => {
          const bytes = readFileSync(join(folder, name));
          const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
          const caching = immutable ? 'public, max-age=31536000, immutable' : 'no-cache';
          return [name, { type, caching, etag, bytes, gzipped: gzipSync(bytes, { level: 9 }) }];
        }),
      ),
    );
  }

  /** The console was built without its page. */
  get isEmpty(): boolean {
    return this.#files.size === 0;
  }

  /** Answers a request for a file; `''` is the page itself. Answers `false` when there is no such file. */
  serve(name: string, request: IncomingMessage, response: ServerResponse): boolean {
    const file = this.#files.get(name === '' ? 'index.html' : name);
    if (file === undefined) return false;
    const { etag, caching, type } = file;
    const headers = { ...RESPONSE_HEADERS, etag, 'cache-control': caching, vary: 'accept-encoding' };
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, headers).end();
      return true;
    }
    const isGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    const bytes = isGzip ? file.gzipped : file.bytes;
    const encoding = isGzip ? { 'content-encoding': 'gzip' } : {};
    response.writeHead(200, { ...headers, ...encoding, 'content-type': type, 'content-length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return true;
  }
}
