import { Argument, type Command } from 'commander';
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
  const names = command.commands.map((each) => each.name());
  const options = command.options.flatMap(({ short, long }) => [short, long]).filter((flag) => flag !== undefined);
  return [
    { path: path.join(' '), words: [...names, ...options] },
    ...command.commands.flatMap((each) => wordsOf(each, [...path, each.name()])),
  ];
}

interface Words {
  /** Such as `errors retry`; empty for the program itself. */
  readonly path: string;
  readonly words: readonly string[];
}

function caseOf(words: readonly Words[]): string {
  // Those of the program itself are offered everywhere.
  const own = ({ path, words: list }: Words) => (path === '' ? list.filter((word) => !word.startsWith('-')) : list);
  return words.map((each) => `    '${each.path}') words='${own(each).join(' ')}' ;;`).join('\n');
}

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], (words: readonly Words[]) => string>> = {
  bash: (words) => `_leveret() {
  local words='' path='' word globals='${words[0]?.words.filter((word) => word.startsWith('-')).join(' ')}'
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case " ${words.map(({ path }) => path.replaceAll(' ', '_')).join(' ')} " in *" \${path:+\${path}_}\${word} "*) path="\${path:+\${path}_}$word" ;; esac ;; esac
  done
  case "\${path//_/ }" in
${caseOf(words)}
  esac
  COMPREPLY=($(compgen -W "$words $globals" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _leveret leveret
`,
  zsh: (words) => `#compdef leveret
_leveret() {
  local words_='' path_='' word globals='${words[0]?.words.filter((word) => word.startsWith('-')).join(' ')}'
  for word in "\${words[@]:1:$((CURRENT - 2))}"; do
    case " ${words.map(({ path }) => path.replaceAll(' ', '_')).join(' ')} " in *" \${path_:+\${path_}_}\${word} "*) path_="\${path_:+\${path_}_}$word" ;; esac
  done
  case "\${path_//_/ }" in
${caseOf(words).replaceAll("words='", "words_='")}
  esac
  compadd -- \${=words_} \${=globals}
  _files
}
if [ "$funcstack[1]" = _leveret ]; then _leveret "$@"; else compdef _leveret leveret; fi
`,
  fish: (words) =>
    words
      .flatMap(({ path, words: list }) => {
        const when = path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.split(' ').at(-1)}`;
        return list.map((word) => {
          if (!word.startsWith('-')) return `complete -c leveret -f -n '${when}' -a '${word}'`;
          const kind = word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
          return `complete -c leveret ${path === '' ? '' : `-n '${when}' `}${kind}`;
        });
      })
      .join('\n')
      .concat('\n'),
};
