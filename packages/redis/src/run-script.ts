import { createHash } from 'node:crypto';
import { errorText } from '@leveret/core';
import type { RedisScripting } from './redis-client.js';

/** Runs a script with keys and arguments. */
export type RunScript = (script: string, keys: readonly string[], args: readonly string[]) => Promise<unknown>;

/** The SHA-1 of each script: there are few. */
const NAMES = new Map<string, string>();

function nameOf(script: string): string {
  const known = NAMES.get(script) ?? createHash('sha1').update(script).digest('hex');
  NAMES.set(script, known);
  return known;
}

/**
 * Calls scripts by their SHA-1, which is half the work for client and server. One that the server does not know, as behind its
 * restart or a failover, has not run: it is sent as a whole. So is every script where calling by name is refused, as by an access
 * list or a proxy that knows EVAL only.
 */
export function scriptsOf(redis: RedisScripting): RunScript {
  let byName = typeof redis.evalsha === 'function';
  return async (script, keys, args) => {
    if (byName && redis.evalsha !== undefined) {
      try {
        return await redis.evalsha(nameOf(script), keys.length, ...keys, ...args);
      } catch (error) {
        const refused = /\bNOPERM\b|unknown command/i.test(errorText(error));
        if (!refused && !/\bNOSCRIPT\b/.test(errorText(error))) throw error;
        byName = !refused;
      }
    }
    return redis.eval(script, keys.length, ...keys, ...args);
  };
}
