/** Decides which values of a body, or of headers, nobody may see. */
export class MaskPaths {
  readonly #paths: readonly (readonly string[])[];

  /**
   * @param paths such as `card.number`, `items.*.secret`, `**.cvv`: `*` is one name or index, `**` any number of them. Upper and
   * lower case are the same, and a name with dots counts as so many names.
   */
  constructor(paths: readonly string[]) {
    this.#paths = paths.map(stepsOf);
  }

  /** Nothing is masked. */
  get isEmpty(): boolean {
    return this.#paths.length === 0;
  }

  /** Whether the value at this place is masked, with all that it holds. */
  covers(place: readonly string[]): boolean {
    if (this.#paths.length === 0 || place.length === 0) return false;
    const steps = place.flatMap(stepsOf);
    return this.#paths.some((path) => matches(path, steps));
  }
}

/** Whether a text is a path: no empty step. */
export function isMaskPath(path: string): boolean {
  return path.split('.').every((step) => step.trim() !== '');
}

function stepsOf(path: string): readonly string[] {
  return path.toLowerCase().split('.');
}

/** How many steps the path so far can stand for: one pass for each part, however many `**` it has. */
function matches(path: readonly string[], steps: readonly string[]): boolean {
  let ends = new Set([0]);
  for (const part of path) {
    const next = new Set<number>();
    if (part === '**') for (let end = Math.min(...ends); end <= steps.length; end++) next.add(end);
    else for (const end of ends) if (end < steps.length && (part === '*' || part === steps[end])) next.add(end + 1);
    if (next.size === 0) return false;
    ends = next;
  }
  return ends.has(steps.length);
}
