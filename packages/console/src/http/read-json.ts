import type { IncomingMessage } from 'node:http';
import { type Clock, within } from '@leveret/core';
import { badRequest } from './console-fault.js';

/** Bytes of a body. */
const MOST_BYTES = 2 * 2 ** 20;
const LIMIT_MS = 10_000;

/**
 * The JSON object that a request carries.
 * @throws {ConsoleFault} 400, 408, 413
 */
export async function readJson(request: IncomingMessage, clock: Clock): Promise<Readonly<Record<string, unknown>>> {
  const parsed = (request as { readonly body?: unknown }).body;
  // A parser of the application, such as express.json(), was here before.
  if (parsed !== undefined && request.readableEnded) return objectOf(parsed);
  const text = await within(clock, LIMIT_MS, readText(request), () => {
    throw badRequest(`The body did not come within ${LIMIT_MS} ms.`, 408);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest('The body is no JSON.');
  }
  return objectOf(value);
}

function readText(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > MOST_BYTES) return reject(tooLarge());
    request.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > MOST_BYTES) {
        parts.length = 0;
        request.pause();
        reject(tooLarge());
      } else parts.push(part);
    });
    request.once('end', () => resolve(Buffer.concat(parts).toString('utf8')));
    request.once('error', () => reject(badRequest('The body broke off.')));
    request.once('close', () => reject(badRequest('The body broke off.')));
  });
}

function tooLarge(): Error {
  return badRequest(`The body may have ${MOST_BYTES} bytes at most.`, 413);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw badRequest('The body must be a JSON object.');
}
