import type { ValidatorOptions } from 'class-validator';

/**
 * How payload classes are validated: the options of class-validator that concern rules. `whitelist` strips what the
 * class has no rule for; `forbidNonWhitelisted` makes that a violation instead.
 * @see https://github.com/typestack/class-validator#passing-options
 */
export type PayloadValidation = Readonly<
  Pick<
    ValidatorOptions,
    | 'whitelist'
    | 'forbidNonWhitelisted'
    | 'forbidUnknownValues'
    | 'skipMissingProperties'
    | 'skipNullProperties'
    | 'skipUndefinedProperties'
    | 'groups'
    | 'always'
    | 'strictGroups'
    | 'stopAtFirstError'
  >
>;

/** Names of all options, for checking what users pass. */
export const PAYLOAD_VALIDATION_OPTIONS = Object.keys({
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  skipMissingProperties: true,
  skipNullProperties: true,
  skipUndefinedProperties: true,
  groups: true,
  always: true,
  strictGroups: true,
  stopAtFirstError: true,
} satisfies Record<keyof PayloadValidation, true>);
