/**
 * A copy of JSON text with one value changed: `order.lines[0].price=12.5`. The value is JSON, or text when it is none. Whatever
 * stands elsewhere keeps its value, though not its layout.
 * @throws {TypeError} when the text is no JSON, or the path leads nowhere
 */
export function setValue(json: string, assignment: string): string {
  const at = assignment.indexOf('=');
  if (at <= 0) throw new TypeError(`expected path=value, received ${JSON.stringify(assignment)}`);
  const [path, raw] = [assignment.slice(0, at), assignment.slice(at + 1)];
  const steps = pathOf(path);
  const root: unknown = JSON.parse(json);
  const last = steps.at(-1) as string | number;
  let place: unknown = root;
  for (const [index, step] of steps.slice(0, -1).entries()) {
    place = childOf(place, step);
    if (typeof place !== 'object' || place === null) {
      throw new TypeError(`the body has nothing to set at ${textOf(steps.slice(0, index + 1))}, on the way to ${path}`);
    }
  }
  if (typeof place !== 'object' || place === null)
    throw new TypeError(`the body is no object, so that ${path} is nowhere`);
  if (Array.isArray(place) !== (typeof last === 'number')) {
    throw new TypeError(
      `${path} does not fit: ${Array.isArray(place) ? 'a list has [0], [1], …' : 'an object has names'}`,
    );
  }
  // Not by assignment: `__proto__` is a name like any other here.
  Object.defineProperty(place, last, { value: readValue(raw), enumerable: true, writable: true, configurable: true });
  return JSON.stringify(root);
}

function childOf(place: unknown, step: string | number): unknown {
  if (typeof place !== 'object' || place === null || !Object.hasOwn(place, step)) return undefined;
  return (place as Record<string | number, unknown>)[step];
}

function pathOf(path: string): readonly (string | number)[] {
  const steps = [...path.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\.?([^.[\]]+)/g)];
  if (steps.map(([whole]) => whole).join('') !== path) {
    throw new TypeError(`expected a path such as order.lines[0].price, received ${JSON.stringify(path)}`);
  }
  return steps.map(([, index, quoted, name]) =>
    index !== undefined
      ? Number(index)
      : quoted !== undefined
        ? (JSON.parse(`"${quoted}"`) as string)
        : (name as string),
  );
}

function textOf(steps: readonly (string | number)[]): string {
  return steps
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');
}

function readValue(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}
