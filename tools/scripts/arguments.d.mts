/** Types of arguments.mjs. */

/** How an option is given: `--name`, `--name text`, `--name 5`. What has no default is `undefined` when it is not given. */
export type Option =
  | { readonly type: 'boolean'; readonly default: boolean }
  | { readonly type: 'string'; readonly default?: string }
  | { readonly type: 'number'; readonly default?: number };

type TypeOf<O extends Option> = O extends { readonly type: 'boolean' }
  ? boolean
  :
      | (O extends { readonly type: 'number' } ? number : string)
      | (O extends { readonly default: unknown } ? never : undefined);

/**
 * Reads what a script was told on its command line. `--help` prints the comment at the head of the script and ends with 0; what
 * the script does not know, or cannot read, is told at once with that comment, and ends with 2. Numbers are from 0, and may be `Infinity`.
 * @param script `import.meta.url` of it
 */
export declare function readArguments<O extends Readonly<Record<string, Option>>>(
  script: string,
  options: O,
  how?: {
    /** Whether it takes words that are no options. Default: none. */
    readonly positionals?: boolean;
    /** Default: those of the process. */
    readonly args?: readonly string[];
  },
): { readonly values: { readonly [K in keyof O]: TypeOf<O[K]> }; readonly positionals: readonly string[] };
