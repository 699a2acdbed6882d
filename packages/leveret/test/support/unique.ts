import { randomBytes } from 'node:crypto';

/** A name that nothing else has: tests share a broker. */
export function unique(name: string): string {
  return `${name}.${randomBytes(5).toString('hex')}`;
}
