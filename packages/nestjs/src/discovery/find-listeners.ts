import type { Type } from '@nestjs/common';
import { type ClassDeclarations, declarationsOf } from 'leveret/adapters';
import { DEFAULT_CONNECTION } from '../options/connection-name.js';
import { eachHost, type HostSearch, isSameProvider } from './each-host.js';
import type { ListenerHost } from './listener-host.js';
import { connectionOf } from './use-connection.js';

/** What is looked for. */
export interface ListenerSearch extends HostSearch {
  /** Name of the connection. */
  readonly connection: string;
}

/** The listeners of one connection. */
export interface FoundListeners {
  readonly hosts: readonly ListenerHost[];
  readonly listeners: readonly Type<object>[];
  /** Classes that have schedules and no listener. */
  readonly schedules: readonly Type<object>[];
  /** What is probably not meant. */
  readonly warnings: readonly string[];
}

/** Looks through the providers of all modules for those with listeners or schedules that belong to a connection. */
export function findListeners(search: ListenerSearch): FoundListeners {
  const hosts = new Map<Type<object>, ListenerHost>();
  const [listeners, schedules, warnings]: [Type<object>[], Type<object>[], string[]] = [[], [], []];
  for (const host of eachHost(search)) {
    const { listenerClass } = host;
    const declared = declaredFor(search.connection, listenerClass);
    if (declared === undefined) continue;
    const other = hosts.get(listenerClass);
    if (other === undefined) {
      hosts.set(listenerClass, host);
      (declared.isListener ? listeners : schedules).push(listenerClass);
    } else if (!isSameProvider(host, other)) {
      warnings.push(
        `${listenerClass.name} is a provider of ${other.module.name} and of ${host.module.name}: its messages are handled by the one of ${other.module.name}. Provide it once, and export it`,
      );
    }
  }
  if (!search.controllers) warnings.push(...idleControllers(search));
  return { hosts: [...hosts.values()], listeners, schedules, warnings };
}

function declaredFor(connection: string, listenerClass: Type<object>): ClassDeclarations | undefined {
  if ((connectionOf(listenerClass) ?? DEFAULT_CONNECTION) !== connection) return undefined;
  const declared = declarationsOf(listenerClass);
  return declared?.isListener === true || declared?.isSchedule === true ? declared : undefined;
}

function idleControllers({ discovery, connection }: ListenerSearch): readonly string[] {
  return discovery.getControllers().flatMap(({ metatype }) => {
    if (typeof metatype !== 'function') return [];
    if (declaredFor(connection, metatype as Type<object>) === undefined) return [];
    return [
      `${metatype.name} is a controller with listeners, which nobody calls. Make it a provider, or say controllers: true`,
    ];
  });
}
