import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { classValidator, isValidatorInUse } from '../class-libraries.js';
import { insides } from '../transformer-rules.js';

/**
 * What compiled classes do again themselves, as it is in class-transformer 0.5.1 and class-validator 0.15.1: a digest of the
 * texts of its functions. That tells more than a version does, for a patched copy and a replaced method are seen, too. What is
 * not known letter by letter is called, never imitated.
 */
const KNOWN = {
  'class-transformer': 'Qe84XyM9tvm_eZno',
  'class-validator': 'fMSovRql4QBxXeE5',
} satisfies Record<Library, string>;

type Library = (typeof LIBRARIES)[number];

const decided = new Map<Library, string | undefined>();

/** Why no class can be compiled in this process; `undefined` when classes can. Decided once of each library, when it is in use. */
export function unknownLibrary(): string | undefined {
  for (const library of librariesInUse()) {
    if (!decided.has(library)) decided.set(library, whyUnknown(library));
    const reason = decided.get(library);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** The same, looked for now. */
export function findUnknownLibrary(): string | undefined {
  return librariesInUse()
    .map(whyUnknown)
    .find((reason) => reason !== undefined);
}

function librariesInUse(): readonly Library[] {
  return isValidatorInUse() ? LIBRARIES : LIBRARIES.slice(0, 1);
}

const LIBRARIES = ['class-transformer', 'class-validator'] as const;

function whyUnknown(library: Library): string | undefined {
  return digest(library) === KNOWN[library]
    ? undefined
    : `${library} is another one than leveret knows, or was patched`;
}

/** `undefined` when the parts are not where they were. */
function digest(library: Library): string | undefined {
  try {
    const texts = partsOf(library).flatMap(textsOf);
    return createHash('sha256').update(texts.join('\n')).digest('base64url').slice(0, 16);
  } catch {
    return undefined;
  }
}

function partsOf(library: Library): readonly unknown[] {
  const require = requireHere();
  if (library === 'class-transformer') {
    const { defaultOptions } = require('class-transformer/cjs/constants/default-options.constant.js');
    const { isPromise } = require('class-transformer/cjs/utils/is-promise.util.js');
    const within = insides();
    if (within === undefined) return [];
    const { Executor, storage } = within;
    return [defaultOptions, isPromise, Executor.prototype, storage, Object.getPrototypeOf(storage)];
  }
  const { ValidationExecutor } = require('class-validator/cjs/validation/ValidationExecutor.js');
  const { ValidationUtils, constraintToString } = require('class-validator/cjs/validation/ValidationUtils.js');
  const { ConstraintMetadata } = require('class-validator/cjs/metadata/ConstraintMetadata.js');
  const { registerDecorator } = require('class-validator/cjs/register-decorator.js');
  const { isPromise } = require('class-validator/cjs/utils/is-promise.util.js');
  const { convertToArray } = require('class-validator/cjs/utils/convert-to-array.util.js');
  const storage = classValidator().getMetadataStorage();
  return [
    ...[ValidationExecutor.prototype, ConstraintMetadata.prototype, storage, Object.getPrototypeOf(storage)],
    ...[ValidationUtils.replaceMessageSpecialTokens, constraintToString, registerDecorator, isPromise, convertToArray],
  ];
}

/** The texts of the functions of an object, and its scalars; not what it stores. */
function textsOf(part: unknown): string[] {
  if (typeof part === 'function') return [String(part)];
  return Object.entries(Object.getOwnPropertyDescriptors(part as object))
    .flatMap(([name, { value, get }]) => {
      const own: unknown = get ?? value;
      return typeof own === 'object' && own !== null ? [] : [`${name}: ${String(own)}`];
    })
    .sort();
}

/**
 * Whether `registerDecorator` made the class of a rule, around the functions that it was given: then all its instances are
 * alike, whatever container makes them. So it does for each decorator that class-validator ships.
 */
export function isInlineConstraint(type: unknown): boolean {
  const { registerDecorator } = requireHere()('class-validator/cjs/register-decorator.js');
  return String(registerDecorator).includes(String(type));
}

/** Not made when this is loaded: a bundle in CommonJS has no place of its own, and leaves classes to the libraries. */
function requireHere(): NodeJS.Require {
  return createRequire(import.meta.url);
}
