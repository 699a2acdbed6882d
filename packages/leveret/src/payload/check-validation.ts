import { checkOptions, describeValue, type JsonSchema, type Problems } from '@leveret/core';
import { PAYLOAD_VALIDATION_OPTIONS, type PayloadValidation } from './payload-validation.js';

/** What a configuration file may say of `validation`. */
export const VALIDATION_SCHEMA: JsonSchema = {
  anyOf: [
    { const: false },
    {
      type: 'object',
      properties: Object.fromEntries(
        PAYLOAD_VALIDATION_OPTIONS.map((name) => [
          name,
          name === 'groups' ? { type: 'array', items: { type: 'string' } } : { type: 'boolean' },
        ]),
      ),
      additionalProperties: false,
    },
  ],
};

/** The option `validation`, with what is wrong with it noted. Left out, it is `undefined`. */
export function readValidation(
  validation: unknown,
  _name: string,
  problems: Problems,
): PayloadValidation | false | undefined {
  checkValidation(validation, problems);
  return validation as PayloadValidation | false | undefined;
}

/** Notes what is wrong with a `validation` option; left out or `false` is right. */
export function checkValidation(validation: unknown, problems: Problems): void {
  if (validation === undefined || validation === false) return;
  if (validation === true) {
    problems.add('validation must be options or false; leave it out for the default, which validates');
    return;
  }
  if (!checkOptions(validation, PAYLOAD_VALIDATION_OPTIONS, 'validation', problems)) return;
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
