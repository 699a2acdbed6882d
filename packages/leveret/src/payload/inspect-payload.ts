import type { PayloadClass } from '@leveret/core';
import { isValidatorInUse } from './class-libraries.js';
import { type AnyClass, classPlans } from './compiled/class-plan.js';
import { ruleBook } from './compiled/class-rules.js';
import { unknownLibrary } from './compiled/known-libraries.js';
import type { PayloadValidation } from './payload-validation.js';
import { classesNamedBy } from './transformer-rules.js';

/** How payloads of a class are read. */
export interface PayloadInspection {
  /** `true` = by rules that were compiled from its decorators, all of it. */
  readonly compiled: boolean;
  /** What is left to class-transformer and class-validator, and why: the same results, more slowly. */
  readonly reasons: readonly string[];
}

/**
 * Tells whether payloads of a class are read by rules that were compiled once from its decorators, or by class-transformer and
 * class-validator for each message. Looks at the class and at those that its decorators name, as they are now.
 * @param validation the options of its listener. Default: none
 */
export function inspectPayload(type: PayloadClass, validation: PayloadValidation | false = {}): PayloadInspection {
  const unknown = unknownLibrary();
  if (unknown !== undefined) return { compiled: false, reasons: [unknown] };
  const reasons: string[] = [];
  const seen = new Set<AnyClass>([type as unknown as AnyClass]);
  for (const one of seen) {
    reasons.push(...reasonsAgainst(one, validation).map((reason) => `${one.name}: ${reason}`));
    for (const { property, type: said } of classPlans.planOf(one, NO_CALL)?.byName.values() ?? []) {
      if (said === undefined) continue;
      if (said.reflectedType === Map) reasons.push(`${one.name}.${property}: a Map is made by class-transformer`);
      for (const child of classesNamedBy(said)) seen.add(child as AnyClass);
    }
  }
  return { compiled: reasons.length === 0, reasons };
}

function reasonsAgainst(type: AnyClass, validation: PayloadValidation | false): readonly string[] {
  const own = classPlans.reasonAgainst(type, NO_CALL);
  const ofRules =
    validation === false || !isValidatorInUse() ? undefined : ruleBook(validation).classes.reasonAgainst(type, NO_CALL);
  return [own, ofRules].filter((reason) => reason !== undefined);
}

/** Equal to no serial, itself included: what is known is looked at again. */
const NO_CALL = Number.NaN;
