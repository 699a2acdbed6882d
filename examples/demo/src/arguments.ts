import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run demo -- [options]

  --only <n>[,<n>]   these scenes only, such as --only 3
  --step             wait for Enter before each scene
  --web              a page on which queues fill and drain, instead of the scenes
  --no-open          with --web: do not open a browser, only say where the page is
  --embedded         run on a broker inside this process, whatever else there is
  -h, --help         this text
`;

/** What a command line asks of the demo. */
export type Arguments =
  | {
      readonly kind: 'scenes';
      readonly embedded: boolean;
      readonly step: boolean;
      /** Numbers of scenes; `undefined` for all. */
      readonly only: ReadonlySet<number> | undefined;
    }
  | { readonly kind: 'web'; readonly open: boolean }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly fault: string };

const OPTIONS = {
  only: { type: 'string', multiple: true },
  step: { type: 'boolean', default: false },
  web: { type: 'boolean', default: false },
  'no-open': { type: 'boolean', default: false },
  embedded: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** @param titles of all scenes, in their order */
export function readArguments(args: readonly string[], titles: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help) return { kind: 'help' };
    if (values.web && (values.step || values.only !== undefined)) {
      return { kind: 'refused', fault: '--web has no scenes: leave --step and --only out' };
    }
    if (values.web) return { kind: 'web', open: !values['no-open'] };
    const named = values.only?.flatMap((text) => text.split(','));
    const unknown = named?.find((text) => !/^\d+$/.test(text) || titles[Number(text) - 1] === undefined);
    if (unknown !== undefined) {
      const list = titles.map((title, index) => `${String(index + 1).padStart(3)}  ${title}`).join('\n');
      return { kind: 'refused', fault: `--only: there is no scene ${JSON.stringify(unknown)}. There are\n${list}` };
    }
    const only = named && new Set(named.map(Number));
    return { kind: 'scenes', embedded: values.embedded, step: values.step, only };
  } catch (error) {
    return { kind: 'refused', fault: error instanceof Error ? error.message : String(error) };
  }
}
