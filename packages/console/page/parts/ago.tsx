import { exactText, relativeText } from '../../src/page/time-text.js';
import { useStore } from '../data/store.js';
import { now } from '../data/stores.js';

/** A moment, relative to now; the exact one on hover. */
export function Ago({ at, or = '–' }: { readonly at: number | undefined; readonly or?: string }) {
  const current = useStore(now);
  if (at === undefined) return <span class="dim">{or}</span>;
  const exact = exactText(at);
  return (
    <time dateTime={exact.replace(' UTC', 'Z').replace(' ', 'T')} title={exact}>
      {relativeText(at, current)}
    </time>
  );
}
