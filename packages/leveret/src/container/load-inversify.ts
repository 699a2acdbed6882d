import { ConfigurationError, errorText } from '@leveret/core';

/** What inversify exports. */
export type Inversify = typeof import('inversify');

/**
 * Loads inversify, which nobody needs who has no container of it, nor classes that it is to make.
 * @throws {ConfigurationError} when it is not installed
 */
export async function loadInversify(): Promise<Inversify> {
  try {
    return await import('inversify');
  } catch (cause) {
    throw new ConfigurationError([
      `inversify is needed, because a container or a class of it is used, but it cannot be loaded (${errorText(cause)}). Install it beside leveret: npm install inversify`,
    ]);
  }
}
