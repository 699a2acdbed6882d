import { MessageValidationError, type Violation } from '@leveret/core';

/** The broken rules of a payload that are told one by one, and how many were found in all. */
export interface FoundViolations {
  /** At most {@link MAX_VIOLATIONS}. */
  readonly listed: readonly Violation[];
  readonly total: number;
  /** There may be more: nobody looked further. */
  readonly isCut: boolean;
}

/** A sender chooses how many rules a message breaks: nobody looks for more than about these. */
export const MAX_VIOLATIONS = 100;
/** At most this many violations are spelled out in the text of the error; `violations` has up to 100. */
const MAX_IN_TEXT = 10;

export const NO_VIOLATIONS: FoundViolations = { listed: [], total: 0, isCut: false };

/** What is used of class-validator's errors: a property, the texts of its broken rules, and the same of what is in it. */
export interface BrokenProperty {
  readonly property?: string | undefined;
  readonly value?: unknown;
  readonly constraints?: Readonly<Record<string, string>>;
  readonly children?: readonly BrokenProperty[];
}

interface Branch {
  readonly error: BrokenProperty;
  readonly prefix: string;
  readonly parentIsArray: boolean;
}

/** The broken rules of an error tree, each with the path of its property. */
export function violationsOf(errors: readonly BrokenProperty[], prefix = ''): Omit<FoundViolations, 'isCut'> {
  const listed: Violation[] = [];
  let total = 0;
  const open = branches(errors, prefix, false);
  for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
    const { error } = branch;
    const path = join(branch.prefix, error.property, branch.parentIsArray);
    for (const [rule, message] of Object.entries(error.constraints ?? {})) {
      total++;
      if (listed.length < MAX_VIOLATIONS) listed.push({ path, rule, message });
    }
    const inArray = Array.isArray(error.value) || error.value instanceof Set;
    for (const child of branches(error.children ?? [], path, inArray)) open.push(child);
  }
  return { listed, total };
}

/** Last first: they are taken from the end. */
function branches(errors: readonly BrokenProperty[], prefix: string, parentIsArray: boolean): Branch[] {
  return errors.map((error) => ({ error, prefix, parentIsArray })).reverse();
}

/** The violations of all elements of an array, each path beginning with its element's index. */
export function violationsOfElements(all: readonly FoundViolations[]): FoundViolations {
  const listed: Violation[] = [];
  let total = 0;
  for (const [index, found] of all.entries()) {
    total += found.total;
    for (const violation of found.listed) {
      if (listed.length === MAX_VIOLATIONS) break;
      const rest = violation.path === '' || violation.path.startsWith('[') ? violation.path : `.${violation.path}`;
      listed.push({ ...violation, path: `[${index}]${rest}` });
    }
  }
  return { listed, total, isCut: all.some(({ isCut }) => isCut) };
}

/** The error of a payload that breaks rules. */
export function validationFailure(typeName: string, { listed, total, isCut }: FoundViolations): MessageValidationError {
  const shown = listed.slice(0, MAX_IN_TEXT).map(({ path, message }) => describe(path, message));
  if (total > shown.length) shown.push(`and ${total - shown.length} more`);
  const rules = total === 1 ? '1 rule' : `${total} rules${isCut ? ' or more' : ''}`;
  return new MessageValidationError(`The payload breaks ${rules} of ${typeName}: ${shown.join('; ')}.`, listed, {
    total,
  });
}

/** class-validator starts its texts with the name of the property; a nested one needs its whole path. */
function describe(path: string, message: string): string {
  return shortened(path === '' || message.startsWith(path) ? message : `${path}: ${message}`);
}

/** Names of properties that no rule knows are the sender's. */
function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
}

const MAX_TEXT = 300;

// An unknown value has no property: the error is about the object itself.
function join(prefix: string, property: string | undefined, inArray: boolean): string {
  if (property === undefined) return prefix;
  if (inArray) return `${prefix}[${property}]`;
  return prefix === '' ? property : `${prefix}.${property}`;
}
