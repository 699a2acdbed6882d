import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { type ConsoleTokens, makeToken, type Role } from '@leveret/console';
import { LeveretError } from '@leveret/core';

/**
 * The tokens of a file: a line `operate <token>`, a line `read <token>`, or both. A file that is not there is made, with tokens by
 * chance, for its owner alone.
 * @throws {LeveretError} LEV_OPERATION_REFUSED for a file that others may read, that cannot be read, or says something else
 */
export function readTokenFile(path: string): ConsoleTokens {
  let text: string;
  try {
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
      throw refused(`${path} may be read by others: chmod 600 ${path}`);
    }
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw LeveretError.is(error) ? error : unreadable(path, error);
    const made = { operate: makeToken(), read: makeToken() };
    writeFileSync(path, `operate ${made.operate}\nread ${made.read}\n`, { mode: 0o600, flag: 'wx' });
    return made;
  }
  const tokens: { -readonly [Name in Role]?: string } = {};
  for (const line of text.split('\n')) {
    const [, role, token] = /^\s*(operate|read)\s+(\S+)\s*$/.exec(line) ?? [];
    if (role === undefined) {
      // Not repeated: it may be a token.
      if (line.trim() !== '') throw refused(`${path} has a line that is neither "operate <token>" nor "read <token>"`);
    } else tokens[role as Role] = token as string;
  }
  return tokens;
}

function unreadable(path: string, cause: unknown): LeveretError {
  return refused(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
}

function refused(text: string): LeveretError {
  return new LeveretError('LEV_OPERATION_REFUSED', `The token file ${text}.`);
}
