const KEY = 'leveret:connection';

/**
 * The listeners (and schedules) of this provider belong to the connection of that name. Without it they belong to the default
 * connection, and to no other.
 *
 * ```ts
 * @Injectable()
 * @UseConnection('audit')
 * export class AuditListener { ... }
 * ```
 */
export function UseConnection(name: string): ClassDecorator {
  return (target) => Reflect.defineMetadata(KEY, name, target);
}

/** The name that `@UseConnection` gives a class, or a base class of it. */
export function connectionOf(listenerClass: object): string | undefined {
  return Reflect.getMetadata(KEY, listenerClass) as string | undefined;
}
