/** Hooks of Node's module loader: what they patch is a copy in memory. */
import type { LoadHook } from 'node:module';
import { type Patch } from './plants.js';

type Located = Patch & { readonly url: string };

let patches: readonly Located[] = [];

export function initialize(data: { readonly patches: readonly Located[] }): void {
  patches = data.patches;
}

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  const meant = patches.filter((patch) => patch.url === url);
  if (meant.length === 0) return loaded;
  return { ...loaded, source: meant.reduce(patched, String(Buffer.from(loaded.source as Uint8Array))) };
};

/** @throws when the text to be replaced does not stand there exactly once: the bug would not be there */
export function patched(source: string, { file, find, put }: Patch): string {
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`${file}: expected '${find}' once, found it ${places} times`);
  return source.replace(find, () => put);
}
