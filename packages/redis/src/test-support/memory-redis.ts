import { performance } from 'node:perf_hooks';
import type { RedisScripting } from '../redis-client.js';
import { CLAIM, CLAIM_BESIDE, COMPLETE, LOOK, MEMORY, RECORD, RELEASE, RENEW } from '../scripts.js';

interface Entry {
  readonly value: string;
  readonly until: number;
}

/** What the scripts of the store come to in a server, in memory: for what needs none, on machines that have none. */
export class MemoryRedis implements RedisScripting {
  readonly entries = new Map<string, Entry>();
  readonly records = new Map<string, Map<string, string>>();
  /** Keys of each question, in order. */
  readonly questions: string[][] = [];
  memory = 'maxmemory:0\r\nmaxmemory_policy:noeviction\r\n';

  async eval(script: string, count: number, ...given: string[]): Promise<unknown> {
    const [keys, args] = [given.slice(0, count), given.slice(count)];
    this.questions.push(keys);
    const [key = '', beside = ''] = keys;
    const [first = '', second = ''] = args;
    switch (script) {
      case CLAIM:
        return this.#claim(key, first, Number(second));
      case CLAIM_BESIDE:
        return this.#found(beside) === undefined ? this.#claim(key, first, Number(second)) : this.#answer(beside);
      case LOOK:
        return this.#found(key) === undefined ? 'free' : this.#answer(key);
      case COMPLETE:
        if (this.#found(key) !== undefined && this.#found(key)?.slice(2) !== first) return 0;
        this.#set(key, `c:${first}`, Number(second));
        return 1;
      case RELEASE:
        return this.#found(key) === `p:${first}` && this.entries.delete(key) ? 1 : 0;
      case RENEW:
        if (this.#found(key) !== `p:${first}`) return 0;
        this.#set(key, `p:${first}`, Number(second));
        return 1;
      case RECORD:
        return this.#record(key, args);
      case MEMORY:
        return this.memory;
      default:
        throw new Error('expected one of the scripts');
    }
  }

  #found(key: string): string | undefined {
    const entry = this.entries.get(key);
    return entry !== undefined && entry.until > performance.now() ? entry.value : undefined;
  }

  #answer(key: string): unknown {
    if (this.#found(key)?.startsWith('c:')) return 'completed';
    return Math.ceil((this.entries.get(key)?.until ?? 0) - performance.now());
  }

  #claim(key: string, token: string, leaseMs: number): unknown {
    const found = this.#found(key);
    if (found !== undefined && found !== `p:${token}`) return this.#answer(key);
    this.#set(key, `p:${token}`, leaseMs);
    return 'claimed';
  }

  #set(key: string, value: string, ms: number): void {
    if (!Number.isInteger(ms) || ms < 1) throw new Error('ERR value is not an integer or out of range');
    this.entries.set(key, { value, until: performance.now() + ms });
  }

  #record(key: string, args: readonly string[]): string[] {
    const record = this.records.get(key) ?? new Map<string, string>();
    this.records.set(key, record);
    const before: string[] = [];
    for (let at = 0; at < args.length; at += 2) {
      before.push(record.get(args[at] ?? '') ?? '');
      record.set(args[at] ?? '', args[at + 1] ?? '');
    }
    return before;
  }
}
