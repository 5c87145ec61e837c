/** One example for the help of every command of `sealpost server`. */
import type { Command } from "commander";

/** What follows `sealpost server`, by the words of the command. */
const examples: Readonly<Record<string, string>> = {
  "run": "5000 --name office",
  "status": "status --json",
  "stop": "stop --data /srv/sealpost",
  "reload": "reload",
  "fingerprint": "fingerprint",
  "backup": "backup /mnt/backups/monday.sealpost",
  "restore": "restore /mnt/backups/monday.sealpost --data /srv/sealpost",
  "check": "check --json",
  "logs": "logs -n 100 --level warning -f",
  "user list": "user list --json",
  "user disable": "user disable sam",
  "user enable": "user enable sam",
  "user delete": "user delete sam --yes",
  "invite make": "invite --uses 5 --days 2 --note 'new people'",
  "invite list": "invite list",
  "invite revoke": "invite revoke 4f9c12ab",
  "peer add": "peer add chat.example.org:5000 --fingerprint '4c4c ae13 ...'",
  "peer list": "peer list --json",
  "peer show": "peer show chat.example.org",
  "peer pause": "peer pause chat.example.org",
  "peer resume": "peer resume chat.example.org",
  "peer block": "peer block chat.example.org",
  "peer unblock": "peer unblock chat.example.org",
  "peer remove": "peer remove chat.example.org --drop",
  "systemd-unit": "systemd-unit 5000 --registration invite",
  "doctor": "doctor 5000 --json",
  "health": "health --timeout 3",
  "config show": "config show --json",
  "config check": "config check /etc/sealpost/server.json",
  "config template": "config template >server.json",
};

/** Adds to every command's help how it is used, for example. */
export function addExamples(program: Command, path: readonly string[] = []): void {
  for (const command of program.commands) {
    const words = [...path, command.name()];
    const example = examples[words.join(" ")];
    if (example !== undefined) {
      command.addHelpText("after", `\nFor example: sealpost server ${example}`);
    }
    addExamples(command, words);
  }
}
