/** Types of check-examples.mjs. */
import type { ChildProcess } from 'node:child_process';

export declare function casesOf(example: string): readonly string[];
export declare function runExample(
  program: string,
  options?: {
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly timeoutMs?: number;
    readonly onLine?: (line: string, child: ChildProcess) => void;
  },
): Promise<{ readonly code: number | undefined; readonly lines: readonly string[]; readonly errors: string }>;
export declare function expectedLines(example: string, program: string): readonly string[];
