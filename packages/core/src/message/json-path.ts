import { endOfString } from './scan-json.js';

/** Where a value stands: `items[2].price`; empty for the whole. A name that is no plain word stands in quotes. */
export function pathText(steps: readonly (string | number)[]): string {
  let path = '';
  for (const step of steps) {
    if (typeof step === 'number') path += `[${step}]`;
    else if (!/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(step)) path += `[${JSON.stringify(step)}]`;
    else path += path === '' ? step : `.${step}`;
    if (path.length > MAX_PATH) return `${path.slice(0, MAX_PATH)}...`;
  }
  return path;
}

const MAX_PATH = 200;

/** The path of the value that begins at `position` of a JSON text. */
export function pathAt(text: string, position: number): string {
  const steps: (string | number)[] = [];
  let name = '';
  for (let i = 0; i < position; i++) {
    const character = text[i];
    if (character === '"') {
      const end = endOfString(text, i);
      name = text.slice(i, end + 1);
      i = end;
    } else if (character === ':') steps[steps.length - 1] = JSON.parse(name) as string;
    else if (character === '[') steps.push(0);
    else if (character === '{') steps.push('');
    else if (character === ']' || character === '}') steps.pop();
    else if (character === ',') {
      const last = steps.at(-1);
      if (typeof last === 'number') steps[steps.length - 1] = last + 1;
    }
  }
  return pathText(steps);
}
