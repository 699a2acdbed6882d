import { isStandardSchema, type PayloadType } from '@leveret/core';
import { decorator, placeOf } from './decorator-place.js';
import type { MethodOnlyDecorator } from './decorator-types.js';
import type { HeaderDeclarations } from './header-declarations.js';

/** Options of {@link Handler}. */
export interface HandlerOptions<Headers extends HeaderDeclarations = HeaderDeclarations> {
  /**
   * Names that senders give this type in the `type` property or the `__TypeId__` header, such as `pay.succeeded` or
   * `com.example.PaySucceeded`. Default: the `type` that `@PublishTo` of the class gives, else the name of the class.
   */
  readonly type?: string | readonly string[];
  /** Takes messages of every type that no other handler names, and messages without a type. One at most. Default `false`. */
  readonly isDefault?: boolean;
  /** Headers that the method takes in `context.headers`, when it is called with payload and context. As in `@Listener`. */
  readonly headers?: Headers;
}

/**
 * Makes a method of a `@Listener` class handle one type of message.
 *
 * | message | handler |
 * |---|---|
 * | its `type` property is in the map | that handler |
 * | else its `__TypeId__` header is | that handler |
 * | else there is a default handler | the default |
 * | else | rejected, `LEV_NO_HANDLER` |
 *
 * The map holds only what handlers name: no header of a sender ever chooses a class outside it.
 * @param type class or schema of the payload; may be left out when the parameter's reflected type is the class. A schema has no
 * name: its handler needs the option `type`.
 */
export function Handler<const Declared extends PayloadType = never, const Headers extends HeaderDeclarations = never>(
  type?: Declared,
  options?: HandlerOptions<Headers>,
): MethodOnlyDecorator<Declared, Headers>;
export function Handler<const Headers extends HeaderDeclarations = never>(
  options: HandlerOptions<Headers>,
): MethodOnlyDecorator<never, Headers>;
// biome-ignore lint/suspicious/noExplicitAny: the overloads say what it answers
export function Handler(...given: unknown[]): any {
  const optionsOnly = given.length === 1 && typeof given[0] === 'object' && !isPayloadType(given[0]);
  const declaration = {
    typeGiven: given.length > 0 && !optionsOnly,
    type: optionsOnly ? undefined : given[0],
    options: optionsOnly ? given[0] : given[1],
  };
  return decorator((target, key, descriptor) => {
    const place = placeOf('@Handler', target, key, descriptor);
    if (place.kind === 'method') place.record.handlers.unshift(declaration);
  });
}

/** `@Handler([PaySucceeded])` and `@Handler(schema)` give a type, not options. */
function isPayloadType(given: unknown): boolean {
  return Array.isArray(given) || isStandardSchema(given);
}
