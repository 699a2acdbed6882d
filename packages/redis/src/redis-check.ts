import { type ApplicationIdentity, errorText, type StoreConcern, serviceConflicts } from '@leveret/core';
import type { RedisScripting } from './redis-client.js';
import { MEMORY, RECORD } from './scripts.js';

/** Writes down who uses the store, and answers what it shares its name with. */
export async function recordService(
  redis: RedisScripting,
  key: string,
  application: ApplicationIdentity,
): Promise<readonly StoreConcern[]> {
  const uses = [...application.uses];
  if (uses.length === 0) return [];
  const before = await redis.eval(RECORD, 1, key, ...uses.flat());
  if (!Array.isArray(before)) throw new TypeError(`expected a list, received ${typeof before}`);
  const recorded = uses.flatMap(([name], index): [string, string][] => {
    const value = String(before[index] ?? '');
    return value === '' ? [] : [[name, value]];
  });
  return serviceConflicts(new Map(recorded), application);
}

/** Asks each server that keeps keys what it does when its memory is full. */
export async function memoryConcerns(redis: RedisScripting): Promise<readonly StoreConcern[]> {
  const found = new Map<string, StoreConcern>();
  for (const each of serversOf(redis)) {
    for (const concern of await memoryConcern(each)) found.set(concern.text, concern);
  }
  return [...found.values()];
}

function serversOf(redis: RedisScripting): readonly RedisScripting[] {
  const cluster = redis as { readonly nodes?: (role: 'master') => readonly RedisScripting[] };
  return typeof cluster.nodes === 'function' ? cluster.nodes('master') : [redis];
}

async function memoryConcern(redis: RedisScripting): Promise<readonly StoreConcern[]> {
  let info: string;
  try {
    // Within a script, because every client of a store has that; CONFIG is forbidden there, and by most hosts.
    info = String(await redis.eval(MEMORY, 0));
  } catch (error) {
    if (!/NOPERM|can't run this command|not allowed|unknown command/i.test(errorText(error))) throw error;
    const text = `Redis does not say what it does when its memory is full (${errorText(error)}). Make sure that its maxmemory-policy is noeviction, or let its user ask: ACL SETUSER … +info.`;
    return [{ kind: 'unknown', text }];
  }
  return decideMemory(info);
}

/** Reads `INFO memory`. Every key of a store has an expiry, so that `volatile-…` policies drop them just as `allkeys-…` do. */
export function decideMemory(info: string): readonly StoreConcern[] {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  const limit = Number(/^maxmemory:(\d+)/m.exec(info)?.[1]);
  if (policy === undefined) {
    return [{ kind: 'unknown', text: 'Redis does not name its maxmemory-policy. Make sure that it is noeviction.' }];
  }
  if (policy === 'noeviction' || limit === 0) return [];
  const text = `Redis drops keys when its memory of ${limit} bytes is full (maxmemory-policy ${policy}): messages are then handled twice. Set maxmemory-policy noeviction, or give the store a Redis of its own.`;
  return [{ kind: 'forgets-early', text }];
}
