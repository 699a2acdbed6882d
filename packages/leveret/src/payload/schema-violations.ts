import type { SchemaIssue, Violation } from '@leveret/core';
import { type FoundViolations, MAX_VIOLATIONS } from './violations.js';

/** What libraries tell of an issue beyond the standard. */
interface ToldIssue extends SchemaIssue {
  /** zod's and arktype's name of the rule. */
  readonly code?: unknown;
  /** valibot's. */
  readonly type?: unknown;
  /** valibot: the value, as it stands in the message. */
  readonly received?: unknown;
  /** arktype: the same. */
  readonly actual?: unknown;
}

/** The issues that a schema found, told as broken rules of a class are. */
export function violationsOfIssues(issues: readonly SchemaIssue[]): FoundViolations {
  const listed: Violation[] = [];
  for (const issue of issues) {
    if (listed.length === MAX_VIOLATIONS) break;
    listed.push(violationOf(issue));
  }
  // A schema that refuses a value need not say why.
  if (listed.length === 0) listed.push({ path: '', rule: UNNAMED, message: 'the value is refused' });
  return { listed, total: Math.max(issues.length, 1), isCut: false };
}

const UNNAMED = 'schema';

function violationOf(issue: ToldIssue): Violation {
  const { code, type } = issue;
  const rule = typeof code === 'string' ? code : typeof type === 'string' ? type : UNNAMED;
  return { path: pathOf(issue.path ?? []), rule, message: withoutValue(issue) };
}

function pathOf(segments: NonNullable<SchemaIssue['path']>): string {
  let path = '';
  for (const segment of segments) {
    const key = typeof segment === 'object' ? segment.key : segment;
    if (typeof key === 'number') path += `[${key}]`;
    else path += path === '' ? String(key) : `.${String(key)}`;
    if (path.length > MAX_PATH) break;
  }
  return path;
}

/** What is longer is cut where it is shown. */
const MAX_PATH = 2000;

/**
 * Texts go to logs and into headers of parked messages, where the values of a payload have no place: class-validator and zod
 * leave them out, valibot and arktype put them at the end.
 */
function withoutValue({ message, received, actual }: ToldIssue): string {
  const text = String(message);
  const ends = [` but received ${received}`, `: Received ${received}`, ` (was ${actual})`];
  const end = ends.find((one) => text.endsWith(one));
  return end === undefined ? text : text.slice(0, -end.length);
}
