import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 5;
/** Ample: reached only when something is wrong, or when a machine stands still. */
const LIMIT_MS = 15_000;

/**
 * Waits until the condition gives something truthy, and resolves with it.
 * @param what what is waited for, for the error
 * @param limitMs default 15 s
 * @throws {Error} when the limit is reached first
 */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  limitMs = LIMIT_MS,
): Promise<Exclude<T, undefined | null | false | 0 | ''>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) return value as Exclude<T, undefined | null | false | 0 | ''>;
    if (performance.now() > end) throw new Error(`expected within ${limitMs} ms: ${what}`);
    await delay(POLL_MS);
  }
}

/** Waits for a promise, but not for ever. */
export async function inTime<T>(what: string, promise: Promise<T>, limitMs = LIMIT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`expected within ${limitMs} ms: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise with its handles: how a test holds a handler and lets it go. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
