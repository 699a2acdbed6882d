import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ErrorQueues, idsOf, upTo } from './error-queues.js';
import { managementAnswers, PageClient, TOKENS, until } from './page-client.js';

const CLI = fileURLToPath(new URL('../../../cli/bin/leveret.js', import.meta.url));
const START_MS = 30_000;

/** What is to be killed, and how often. */
export interface KillPlan {
  readonly amqp: string;
  readonly management: string;
  readonly type: string;
  readonly messages: number;
  readonly kills: number;
}

/** What a retry came to whose console was killed again and again. */
export interface KillReport {
  /** Ids that arrived nowhere. */
  readonly lost: readonly number[];
  /** Ids that arrived more than once. */
  readonly doubled: readonly number[];
  /** Still parked, or still on the way. */
  readonly left: number;
  /** Starts that said that something was on its way. */
  readonly offers: number;
}

/** Sends messages back from a console that is killed (SIGKILL) in the middle of it, and goes on with the next one. */
export async function killConsoles(
  queues: ErrorQueues,
  { amqp, management, type, messages, kills }: KillPlan,
): Promise<KillReport> {
  const [work, errors] = [await queues.declare('killed-work', type), await queues.declare('killed-errors', type)];
  await queues.park(errors, work, messages);
  await managementAnswers(management);
  const folder = mkdtempSync(join(tmpdir(), 'leveret-console-'));
  const tokens = join(folder, 'tokens');
  writeFileSync(tokens, `operate ${TOKENS.operate}\n`, { mode: 0o600 });
  let offers = 0;
  const start = async (): Promise<{
    readonly child: ChildProcess;
    readonly page: PageClient;
    readonly staged: number;
  }> => {
    const args = ['console', '--json', '--port', '0', '-q', errors, '--token-file', tokens];
    const child = spawn(process.execPath, [CLI, ...args], {
      env: { ...process.env, AMQP_URL: amqp, MANAGEMENT_URL: management },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout?.on('data', (part: Buffer) => {
      said += part;
    });
    let complaint = '';
    child.stderr?.on('data', (part: Buffer) => {
      complaint = `${complaint}${part}`.slice(-2000);
    });
    const ready = await until(
      'the console to start',
      () => {
        if (child.exitCode !== null) throw new Error(`the console ended with ${child.exitCode}: ${complaint}`);
        return said.includes('\n}\n') && (JSON.parse(said) as Ready);
      },
      START_MS,
    );
    const staged = ready.staged[errors] ?? 0;
    if (staged > 0) offers++;
    return { child, page: await PageClient.login(ready.url, TOKENS.operate), staged };
  };
  const goOn = async (page: PageClient, staged: number): Promise<string | undefined> => {
    // The rate is such that the last kill still finds something to do.
    const rate = 100;
    if (staged > 0) return ((await page.ok('api/errors/resume', { rate })) as { id: string }).id;
    const [queue] = await page.ok('api/errors/queues');
    if (queue?.messages === 0) return undefined;
    return ((await page.ok('api/errors/retry', { selection: 'all', rate })) as { id: string }).id;
  };
  try {
    for (let kill = 0; kill < kills; kill++) {
      const { child, page, staged } = await start();
      const id = await goOn(page, staged);
      // By turns while it looks or stages, and while it sends.
      if (kill % 2 === 0 && id !== undefined) {
        await until('a message to be sent', async () => {
          const { sent, endedAt } = await page.ok(`api/jobs/${id}`);
          return sent > kill || endedAt !== undefined;
        });
      } else await new Promise((resolve) => setTimeout(resolve, (kill * 137) % 700));
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    const { child, page, staged } = await start();
    let [id, isStaged] = [await goOn(page, staged), staged > 0];
    while (id !== undefined) {
      const job = id;
      await until('the end of the job', async () => (await page.ok(`api/jobs/${job}`)).endedAt !== undefined, 120_000);
      id = isStaged ? await goOn(page, 0) : undefined;
      isStaged = false;
    }
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    await ended;
    const arrived = idsOf(await queues.takeAll(work));
    return {
      lost: upTo(messages).filter((each) => !arrived.includes(each)),
      doubled: [...new Set(arrived.filter((each, index) => arrived.indexOf(each) !== index))],
      left: await queues.count(errors),
      offers,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Ready {
  readonly url: string;
  readonly staged: Readonly<Record<string, number>>;
}
