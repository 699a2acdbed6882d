import { fileURLToPath } from 'node:url';
import { runJson } from './pairs.mjs';
import { ratioGoal } from './summary.mjs';

const inbox = fileURLToPath(new URL('../inbox.mjs', import.meta.url));
const CASES = ['postgres', 'mariadb', 'sqlite', 'relay-postgres', 'relay-mariadb', 'relay-sqlite'];
const LIMIT_MS = 90_000;

/** What is to be reached by inbox and outbox beside the same statements by hand, each database in a process of its own. */
export async function sqlGoals({ rounds, scale, say, signal }) {
  const rows = [];
  for (const [index, name] of CASES.entries()) {
    const messages = String(Math.max(200, Math.round(2000 * scale)));
    const args = ['--json', '--rounds', String(rounds), '--messages', messages, '--cases', name];
    const { [name]: ratio, why } = signal.aborted
      ? { why: 'not measured' }
      : await runJson(inbox, args, { limitMs: LIMIT_MS, signal }).catch(({ message }) => ({ why: message }));
    const control = 'that by hand';
    const what = name.startsWith('relay-') ? `outbox on ${name.slice(6)}` : `inbox on ${name}`;
    rows.push(ratioGoal({ name: what, metric: 'perSecond', control, goal: 1, ratio, why }));
    say(`[SQL ${index + 1}/${CASES.length}] ${name}${why === undefined ? '' : ` failed: ${why}`}`);
  }
  return rows;
}
