import { Argument, type Command, type Option } from 'commander';
import type { Context } from '../io/context.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** `leveret completion` */
export function completionCommand(program: Command, context: Context): void {
  program
    .command('completion')
    .description('A script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  source <(leveret completion bash)
  leveret completion zsh > "\${fpath[1]}/_leveret"
  leveret completion fish > ~/.config/fish/completions/leveret.fish`,
    )
    .action((shell: (typeof SHELLS)[number]) => {
      context.io.out(SCRIPTS[shell](wordsOf(program)));
    });
}

/** What may follow each command, by the words that lead to it. */
function wordsOf(command: Command, path: readonly string[] = []): readonly Words[] {
  const help = command.createHelp();
  // Those of the program itself are offered everywhere, the one for help among them.
  const options = help.visibleOptions(command).filter(({ long }) => path.length === 0 || long !== '--help');
  const flagsOf = ({ short, long }: Option) => [short, long].filter((flag) => flag !== undefined);
  return [
    {
      path: path.join(' '),
      names: [
        ...help.visibleCommands(command).map((each) => each.name()),
        ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
      ],
      flags: options.flatMap(flagsOf),
      values: options
        .filter(({ required }) => required)
        .flatMap((option) => flagsOf(option).map((flag) => ({ flag, choices: option.argChoices ?? [] }))),
    },
    ...command.commands.flatMap((each) => wordsOf(each, [...path, each.name()])),
  ];
}

interface Words {
  /** Such as `errors retry`; empty for the program itself. */
  readonly path: string;
  /** Commands, or what an argument may be. */
  readonly names: readonly string[];
  readonly flags: readonly string[];
  /** The flags behind which a value stands. */
  readonly values: readonly { readonly flag: string; readonly choices: readonly string[] }[];
}

/** Branches that set `words` to names, and `flags` to those of the command alone. */
function caseOf(words: readonly Words[]): string {
  return words
    .map(({ path, names, flags }) => {
      const own = path === '' ? '' : flags.join(' ');
      return `    '${path}') words='${names.join(' ')}' flags='${own}' ;;`;
    })
    .join('\n');
}

function choicesOf(words: readonly Words[]): string {
  return words
    .flatMap(({ path, values }) => values.map((value) => ({ path, ...value })))
    .filter(({ choices }) => choices.length > 0)
    .map(({ path, flag, choices }) => `    '${path} ${flag}') words='${choices.join(' ')}' ;;`)
    .join('\n');
}

const globalsOf = (words: readonly Words[]) => words[0]?.flags.join(' ') ?? '';
const pathsOf = (words: readonly Words[]) => words.map(({ path }) => path.replaceAll(' ', '_')).join(' ');
const withValueOf = (words: readonly Words[]) => [
  ...new Set(words.flatMap(({ values }) => values.map(({ flag }) => flag))),
];

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], (words: readonly Words[]) => string>> = {
  // `--to=x` is three words for bash. Where no word is offered, it offers files.
  bash: (words) => `_leveret() {
  local current="\${COMP_WORDS[COMP_CWORD]}" globals='${globalsOf(words)}'
  local words='' flags='' path='' option='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [ "$word" = '=' ]; then continue; fi
    if [ -n "$option" ]; then option=''; continue; fi
    case "$word" in
      ${withValueOf(words).join('|')}) option="$word" ;;
      -*) ;;
      *) case " ${pathsOf(words)} " in *" \${path:+\${path}_}\${word} "*) path="\${path:+\${path}_}$word" ;; esac ;;
    esac
  done
  if [ "$current" = '=' ]; then current=''; fi
  if [ -n "$option" ]; then
    case "\${path//_/ } $option" in
${choicesOf(words)}
    esac
  else
    case "\${path//_/ }" in
${caseOf(words)}
    esac
    case "$current" in -*) words="$flags $globals" ;; esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _leveret leveret
`,
  zsh: (words) => `#compdef leveret
_leveret() {
  local words_='' flags='' path_='' word globals='${globalsOf(words)}'
  for word in "\${words[@]:1:$((CURRENT - 2))}"; do
    case " ${pathsOf(words)} " in *" \${path_:+\${path_}_}\${word} "*) path_="\${path_:+\${path_}_}$word" ;; esac
  done
  case "\${path_//_/ }" in
${caseOf(words).replaceAll("words='", "words_='")}
  esac
  compadd -- \${=words_} \${=flags} \${=globals}
  _files
}
if [ "$funcstack[1]" = _leveret ]; then _leveret "$@"; else compdef _leveret leveret; fi
`,
  fish: (words) =>
    words
      .flatMap(({ path, names, flags }) => {
        const when = path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.split(' ').at(-1)}`;
        return [...names, ...flags].map((word) => {
          if (!word.startsWith('-')) return `complete -c leveret -f -n '${when}' -a '${word}'`;
          const kind = word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
          return `complete -c leveret ${path === '' ? '' : `-n '${when}' `}${kind}`;
        });
      })
      .join('\n')
      .concat('\n'),
};
