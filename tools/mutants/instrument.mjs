/**
 * Writes all mutants of a file into it at once, each behind a question whether it is the one at work: so a process that has
 * loaded the file and its tests can try one after the other, and knows which tests come by which mutant.
 */

/** What the file asks, and the worker answers: `(number of a mutant) => is it at work?`. */
export const ASKED = 'leveret.mutants.isAtWork';

/** @param {{start: number, end: number, text: string, key?: boolean, number: number}[]} mutations of this code, numbered */
export function instrument(code, mutations) {
  // An outer one before those inside it; where two stand for the same words, as found.
  const ordered = mutations.map((each, at) => ({ ...each, at }));
  ordered.sort((a, b) => a.start - b.start || b.end - a.end || a.at - b.at);
  let next = 0;
  const write = (from, to) => {
    let text = '';
    let at = from;
    while (next < ordered.length && ordered[next].start < to) {
      const mutation = ordered[next++];
      text += code.slice(at, mutation.start) + choice(mutation, write(mutation.start, mutation.end));
      at = mutation.end;
    }
    return text + code.slice(at, to);
  };
  return `const __isAtWork = globalThis[Symbol.for('${ASKED}')] ?? (() => false); ${write(0, code.length)}`;
}

function choice({ number, text, key }, was) {
  const asked = `__isAtWork(${number})`;
  if (text === ';') return `{ if (!${asked}) { ${was} } }`;
  return key ? `[${asked} ? ${text} : ${was}]` : `(${asked} ? (${text}) : (${was}))`;
}
