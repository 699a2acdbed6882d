import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { RESPONSE_HEADERS } from '../security/response-headers.js';

interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};

/** Where the build puts the page. */
export const PAGE_FOLDER = fileURLToPath(new URL('../page/', import.meta.url));

/**
 * The files of the page, read once: what is asked for is looked up among their names, and the disk is not asked again. Files of
 * other types than a page has are left out.
 */
export class PageFiles {
  readonly #files: ReadonlyMap<string, PageFile>;

  private constructor(files: ReadonlyMap<string, PageFile>) {
    this.#files = files;
  }

  static read(folder = PAGE_FOLDER): PageFiles {
    const files = new Map<string, PageFile>();
    if (existsSync(folder)) {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const type = TYPES[extname(entry.name)];
        if (!entry.isFile() || type === undefined) continue;
        const path = join(entry.parentPath, entry.name);
        const bytes = readFileSync(path);
        const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
        const name = path.slice(folder.length).replaceAll('\\', '/').replace(/^\//, '');
        files.set(name, { type, etag, bytes, gzipped: gzipSync(bytes, { level: 9 }) });
      }
    }
    return new PageFiles(files);
  }

  get names(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** Answers a request for a file; `''` is the page itself. Answers `false` when there is no such file. */
  serve(name: string, request: IncomingMessage, response: ServerResponse): boolean {
    const file = this.#files.get(name === '' ? 'index.html' : name);
    if (file === undefined) return false;
    const headers = { ...RESPONSE_HEADERS, etag: file.etag, 'cache-control': 'no-cache', vary: 'accept-encoding' };
    if (request.headers['if-none-match'] === file.etag) {
      response.writeHead(304, headers).end();
      return true;
    }
    const isGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    const bytes = isGzip ? file.gzipped : file.bytes;
    response.writeHead(200, {
      ...headers,
      'content-type': file.type,
      'content-length': bytes.length,
      ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return true;
  }
}
