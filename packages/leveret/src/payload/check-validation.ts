import { describeValue, type Problems } from '@leveret/core';
import { checkKnownOptions } from '../reading/check-known-options.js';
import { PAYLOAD_VALIDATION_OPTIONS } from './payload-validation.js';

/** Notes what is wrong with a `validation` option; left out or `false` is right. */
export function checkValidation(validation: unknown, problems: Problems): void {
  if (validation === undefined || validation === false) return;
  if (validation === true) {
    problems.add('validation must be options or false; leave it out for the default, which validates');
    return;
  }
  if (!checkKnownOptions(validation, 'validation', PAYLOAD_VALIDATION_OPTIONS, problems)) return;
  for (const [name, value] of Object.entries(validation)) {
    if (name === 'groups' ? Array.isArray(value) : typeof value === 'boolean' || value === undefined) continue;
    if (!PAYLOAD_VALIDATION_OPTIONS.includes(name)) continue;
    const expected = name === 'groups' ? 'an array of names' : 'true or false';
    problems.add(`validation.${name} must be ${expected}; got ${describeValue(value)}`);
  }
  if (validation['forbidNonWhitelisted'] === true && validation['whitelist'] !== true) {
    problems.add('validation.forbidNonWhitelisted does nothing without whitelist: true');
  }
}
