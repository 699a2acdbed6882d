/** Draws from a seed: the same names and numbers give the same sample on every machine. */
import { createHash } from 'node:crypto';
import { KINDS } from './mutations.mjs';

/** Some `count` mutations: one of each kind in turn, so that the rare kinds are asked as well. */
export function drawn(candidates, count, seed) {
  const kinds = KINDS.map((kind) =>
    shuffled(
      candidates.filter((each) => each.kind === kind),
      seed,
    ),
  );
  const sample = [];
  while (sample.length < count && kinds.some((left) => left.length > 0)) {
    for (const left of kinds) if (left.length > 0 && sample.length < count) sample.push(left.shift());
  }
  return sample;
}

function shuffled(candidates, seed) {
  const rank = (each) => createHash('sha256').update(`${seed}/${each.file}/${each.start}/${each.text}`).digest('hex');
  return candidates
    .map((each) => ({ each, key: rank(each) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ each }) => each);
}
