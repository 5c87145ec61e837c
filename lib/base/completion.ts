/** Completion scripts for shells, made from the grammar of the commands. Pure. */

/** A word of the command line, with what may come after it. */
export interface Word {
  readonly name: string;
  readonly about: string;
  /** As typed: `--json`, `-n`. */
  readonly flags: readonly Flag[];
  readonly words: readonly Word[];
}

/** A flag of a word. */
export interface Flag {
  readonly names: readonly string[];
  readonly about: string;
  /** Whether something follows it. */
  readonly value: boolean;
}

/** The parts of a command of the commander library that say what it takes. */
export interface Described {
  name(): string;
  description(): string;
  readonly commands: readonly Described[];
  readonly options: readonly {
    readonly long?: string | null | undefined;
    readonly short?: string | null | undefined;
    readonly description: string;
    readonly required: boolean;
    readonly hidden: boolean;
  }[];
  readonly registeredArguments: readonly { readonly argChoices?: readonly string[] | undefined }[];
}

/** The word that a command is, with everything below it; choices of its first argument count as words. */
export function wordOf(command: Described, name = command.name()): Word {
  const choices = command.registeredArguments[0]?.argChoices ?? [];
  return {
    name,
    about: command.description(),
    flags: command.options.filter(({ hidden }) => !hidden).map((option) => ({
      names: [option.long, option.short].filter((each) => typeof each === "string"),
      about: option.description,
      value: option.required,
    })),
    words: [
      ...command.commands.map((each) => wordOf(each)),
      ...choices.map((choice) => ({ name: choice, about: "", flags: [], words: [] })),
    ],
  };
}

/** The shells that have a completion script. */
export const shells = ["bash", "zsh", "fish"] as const;

/** A shell that has one. */
export type Shell = typeof shells[number];

/** The completion script for a shell; `program` is the word that stands for the whole program. */
export function completionScript(shell: Shell, program: Word): string {
  if (shell === "fish") return fishScript(program);
  const bash = bashScript(program);
  return shell === "bash"
    ? bash
    : `#compdef ${program.name}\nautoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

/** Every word that has something below it or flags of its own, with the words that lead to it. */
function places(word: Word, path: readonly string[] = []): { path: string; word: Word }[] {
  return [
    { path: path.join(" "), word },
    ...word.words.flatMap((each) => places(each, [...path, each.name])),
  ];
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** All names of flags; after one that takes a value comes that value, so those are told apart. */
function flagNames(word: Word, value?: boolean): string[] {
  return word.flags.filter((flag) => value === undefined || flag.value === value)
    .flatMap(({ names }) => [...names]);
}

function bashScript(program: Word): string {
  const all = places(program);
  const steps = all.filter(({ path }) => path !== "")
    .map(({ path }) => `      ${quoted(stepOf(path))}) at=${quoted(path)} ;;`);
  const offers = all.map(({ path, word }) =>
    `    ${quoted(path)}) words=${quoted(word.words.map(({ name }) => name).join(" "))}; ` +
    `flags=${quoted(flagNames(word).join(" "))}; valued=${
      quoted(` ${flagNames(word, true).join(" ")} `)
    } ;;`
  );
  return `# Completion of ${program.name} for bash: source this file, or put it where bash-completion looks.
_${program.name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} at= word words= flags= valued= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$at/$word" in
${steps.join("\n")}
    esac
  done
  case "$at" in
${offers.join("\n")}
  esac
  COMPREPLY=()
  if [[ $valued == *" $before "* ]]; then return; fi
  if [[ $current == -* ]]; then words=$flags; fi
  if [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$current")); fi
}
complete -o default -F _${program.name} ${program.name}
`;
}

/** `server status` is reached from `server` by `status`. */
function stepOf(path: string): string {
  const end = path.lastIndexOf(" ");
  return end < 0 ? `/${path}` : `${path.slice(0, end)}/${path.slice(end + 1)}`;
}

function fishScript(program: Word): string {
  const all = places(program);
  const steps = all.filter(({ path }) => path !== "")
    .map(({ path }) => `      case ${quoted(stepOf(path))}\n        set at ${quoted(path)}`);
  const rules = all.flatMap(({ path, word }) => {
    const here = `-n ${quoted(`test (__${program.name}_at) = "${path}"`)}`;
    return [
      ...word.words.map((each) =>
        `complete -c ${program.name} ${here} -a ${quoted(each.name)} -d ${quoted(each.about)}`
      ),
      ...word.flags.map((flag) => {
        const names = flag.names.map((name) =>
          name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`
        );
        const value = flag.value ? " -r" : "";
        return `complete -c ${program.name} ${here} ${names.join(" ")}${value} -d ${
          quoted(flag.about)
        }`;
      }),
    ];
  });
  return `# Completion of ${program.name} for fish: put this file into ~/.config/fish/completions.
function __${program.name}_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at/$word"
${steps.join("\n")}
    end
  end
  echo "$at"
end
${rules.join("\n")}
`;
}
