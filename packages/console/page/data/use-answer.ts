import { useEffect, useRef, useState } from 'preact/hooks';
import { ask } from './api.js';
import { session } from './stores.js';

/** An answer of the server: what came last, and what went wrong since. */
export interface Answer<T> {
  readonly data: T | undefined;
  readonly fault: Error | undefined;
  readonly isAsking: boolean;
  reload(suffix?: string): Promise<void>;
}

/** What came last from each address, for whoever goes back to a view: shown at once, while it is asked for again. */
const KEPT = 30;
const kept = new Map<string, unknown>();

function keep(path: string, data: unknown): void {
  kept.delete(path);
  kept.set(path, data);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break;
    kept.delete(oldest);
  }
}

// Nothing is left for who comes next.
session.watch((who) => {
  if (who === 'none') kept.clear();
});

/**
 * Asks for an address now and whenever it changes. What came before stays while the next is on its way, as long as the address is the
 * same.
 * @param version asked for again when it changes
 */
export function useAnswer<T>(path: string, version: unknown = undefined): Answer<T> {
  const [state, setState] = useState<Omit<Answer<T>, 'reload'> & { path: string }>(() => asking(path));
  // Of two that are on their way only the later counts.
  const latest = useRef(0);
  const reload = async (suffix = '') => {
    const mine = ++latest.current;
    const isLatest = () => mine === latest.current;
    setState((known) => (known.path === path ? { ...known, isAsking: true } : asking<T>(path)));
    try {
      const data = await ask<T>(path + suffix);
      keep(path, data);
      if (isLatest()) setState({ path, data, fault: undefined, isAsking: false });
    } catch (error) {
      if (isLatest()) setState((known) => ({ ...known, fault: error as Error, isAsking: false }));
    }
  };
  useEffect(() => {
    void reload();
    return () => void latest.current++;
  }, [path, version]);
  const { data, fault, isAsking } = state.path === path ? state : asking<T>(path);
  return { data, fault, isAsking, reload };
}

function asking<T>(path: string): Omit<Answer<T>, 'reload'> & { path: string } {
  return { path, data: kept.get(path) as T | undefined, fault: undefined, isAsking: true };
}
