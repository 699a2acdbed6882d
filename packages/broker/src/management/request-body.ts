import type { IncomingMessage } from 'node:http';
import { badRequest, HttpError } from './http-reply.js';

const LARGEST_BODY_BYTES = 20 * 1024 * 1024;
/** JSON nested deeper than this means nothing in any request. */
const DEEPEST = 100;

/**
 * Reads the JSON object that came with a request; an empty one when nothing came.
 *
 * @throws {HttpError} 415 when it does not say that it is JSON, which is what keeps a web page from sending it unasked; 413
 *   above 20 MiB; 400 when it is no object, or nested deeper than 100 levels
 */
export async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > LARGEST_BODY_BYTES) throw new HttpError(413, 'payload_too_large', 'the body is too large');
  }
  if (length === 0) return {};
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type.trim())) {
    const received = type === '' ? 'none' : JSON.stringify(type);
    throw new HttpError(415, 'unsupported_media_type', `expected content-type application/json, received ${received}`);
  }
  const parsed = parseJson(Buffer.concat(chunks).toString('utf8'));
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw badRequest('not_json');
  if (isTooDeep(parsed)) throw badRequest(`expected JSON nested at most ${DEEPEST} levels deep`);
  return parsed as Record<string, unknown>;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('not_json');
  }
}

/** Level by level, so that no depth is too deep to be found out. */
function isTooDeep(root: object): boolean {
  let level: unknown[] = [root];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > DEEPEST) return true;
    level = level
      .flatMap((value) => Object.values(value as object))
      .filter((value) => typeof value === 'object' && value !== null);
  }
  return false;
}
